"""The work behind infills: what replaces removed pixels is computed here."""
