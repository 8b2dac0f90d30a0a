"""The window: state in models, widgets in views, wiring and jobs in controllers."""
