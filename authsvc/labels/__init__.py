"""
Labels: from the file of issued codes to what a printer takes.

``codes`` reads the file, ``templates`` say what stands where, ``fitting`` how wide a module is and what is refused,
``layouts`` join them and draw symbols; ``sheets`` (PDF), ``zpl``, ``pictures`` and ``print_files`` write. Each of the
four is one format: another one is one more module beside them.
"""
