"""Papers as their readers have them: the text that poppler finds in a file, and the page as a picture."""

import io
import subprocess

import numpy as np
from PIL import Image

_DIRECTIONS = dict.fromkeys(range(0x202A, 0x202F))  # what poppler puts around a leftward word


def text_of(content):
    """Return the text of a PDF, one space between words."""
    said = subprocess.run(["pdftotext", "-layout", "-", "-"], input=content, check=True, capture_output=True)
    return " ".join(said.stdout.decode().translate(_DIRECTIONS).split())


def fonts_of(content):
    """Return name and whether it is inside the file, of each font of a PDF."""
    said = subprocess.run(["pdffonts", "-"], input=content, check=True, capture_output=True).stdout.decode()
    return {(row.split()[0].partition("+")[2], row.split()[-5] == "yes") for row in said.splitlines()[2:]}


def ink_of(content, dpi=50):
    """Return where the first page has ink, as rows of pixels."""
    command = ["pdftoppm", "-r", str(dpi), "-gray", "-singlefile", "-"]
    said = subprocess.run(command, input=content, check=True, capture_output=True)
    return np.asarray(Image.open(io.BytesIO(said.stdout))) < 160
