"""Media types of files, by their first bytes: never by name or by the client's claim. Pure.

The result decides only two things: whether a browser may show the file inside a page (INLINE), and
which type users are shown. So the table is short, and its first match wins.
"""

from __future__ import annotations

import re

# Enough first bytes for every signature below.
HEAD_BYTES = 4096
BINARY = "application/octet-stream"
TEXT = "text/plain"
# Types that a page may show; all others are only downloaded.
INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})

# (position, bytes, type)
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\x00", "application/x-xz"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (257, b"ustar", "application/x-tar"),
    (0, b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (0, b"PAR1", "application/vnd.apache.parquet"),
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"\x00asm", "application/wasm"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"OggS", "application/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"ID3", "audio/mpeg"),
    (8, b"WAVE", "audio/wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
)
# Formats inside a RIFF container need the container's signature as well.
_IN_RIFF = {"image/webp", "audio/wav", "video/x-msvideo"}
_BRANDS = {
    b"avif": "image/avif",
    b"heic": "image/heic",
    b"mif1": "image/heic",
    b"qt  ": "video/quicktime",
}
_OFFICE = "application/vnd.openxmlformats-officedocument."
_IN_ZIP = {
    b"word/": _OFFICE + "wordprocessingml.document",
    b"xl/": _OFFICE + "spreadsheetml.sheet",
    b"ppt/": _OFFICE + "presentationml.presentation",
}
_OPEN_DOCUMENT = re.compile(rb"mimetype(application/vnd\.oasis\.opendocument\.[a-z]+)")
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|script|iframe|style|title)[\s>/]?", re.I)
_SVG = re.compile(rb"<(?:[a-z]+:)?svg[\s>]", re.IGNORECASE)
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def sniff(head: bytes) -> str:
    """Return the media type of a file that begins with `head` (HEAD_BYTES of it, or all).

    Text that a browser would render as HTML or SVG is reported as such, so that it does not pass
    for harmless; see INLINE for the types that may be shown.
    """
    head = head[:HEAD_BYTES]
    for position, mark, kind in _SIGNATURES:
        if head.startswith(mark, position) and (kind not in _IN_RIFF or head.startswith(b"RIFF")):
            return kind
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return _in_zip(head)
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    return _text(head)


def _in_zip(head: bytes) -> str:
    if found := _OPEN_DOCUMENT.search(head[:200]):
        return found[1].decode()
    if b"[Content_Types].xml" in head or b"_rels/.rels" in head:
        return next((kind for name, kind in _IN_ZIP.items() if name in head), "application/zip")
    return "application/zip"


def _text(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return TEXT
    if not head or _CONTROLS.search(head):
        return BINARY
    # No control characters: text, in UTF-8 or in an older encoding such as GBK.
    if not head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
        return TEXT
    if _SVG.search(head):
        return "image/svg+xml"
    if _HTML.search(head):
        return "text/html"
    return "application/xml" if b"<?xml" in head else TEXT
