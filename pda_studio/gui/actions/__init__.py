"""What the user can do: actions, their keys, menus and the palette."""
