"""How attribution methods do their work; what they are is declared in `pda_studio.methods`.

A method's `steps` imports its module here, and with it PyTorch, when the work begins.
"""
