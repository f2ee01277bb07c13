"""How often clone evidence is right: our detector beside the usual ones, in a world that is written down."""
