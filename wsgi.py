"""What a WSGI server loads: ``wsgi:app``."""

from authsvc.app import create_app

app = create_app()
