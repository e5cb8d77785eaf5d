"""File types, picture sizes and file names, determined by content and not by claims."""

from __future__ import annotations

import io
import re
from time import perf_counter
from urllib.parse import unquote

import pytest
from django.utils.http import content_disposition_header
from hypothesis import given
from hypothesis import strategies as st

from chat.files import images, media_types, names
from chat.files.media_types import INLINE, sniff
from tests.support.files import JPEG_TURNED, PICTURES, PNG, PNG_TURNED, png

KINDS = {name: "image/" + name.split(",")[0] for name in PICTURES}


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        *((PICTURES[name], kind) for name, kind in KINDS.items()),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"PK\x03\x04" + b"\0" * 26 + b"notes.txt", "application/zip"),
        (b"PK\x03\x04" + b"\0" * 26 + b"[Content_Types].xml" + b"\0" * 40 + b"word/document.xml",
         "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (b"PK\x03\x04" + b"\0" * 26 + b"mimetypeapplication/vnd.oasis.opendocument.text",
         "application/vnd.oasis.opendocument.text"),
        (b"\0\0\0\x18ftypmp42", "video/mp4"),
        (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
        (b"\x7fELF\x02\x01", "application/x-executable"),
        (b"<!DOCTYPE html><script>alert(1)</script>", "text/html"),
        (b"\xef\xbb\xbf \n<html>", "text/html"),
        (b"<script>alert(1)</script>", "text/html"),
        (b"<svg onload='alert(1)'/>", "image/svg+xml"),
        (b"<?xml version='1.0'?><!-- x --><svg xmlns='a'>", "image/svg+xml"),
        (b"<?xml version='1.0'?><data/>", "application/xml"),
        (b"plain text", "text/plain"),
        ("中文文本".encode(), "text/plain"),
        ("中文文本".encode("gbk"), "text/plain"),
        ("text".encode("utf-16"), "text/plain"),
        (bytes(range(256)), "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)  # fmt: skip
def test_a_type_is_found_from_the_first_bytes(head: bytes, kind: str) -> None:
    assert sniff(head) == kind


@given(st.binary(max_size=200))
def test_any_bytes_have_a_type_and_markup_is_never_shown_in_a_page(data: bytes) -> None:
    assert re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", sniff(data))
    assert sniff(b"<" + data) not in INLINE


# --- Pictures ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PICTURES)
def test_the_size_of_a_picture_is_read_from_its_header(name: str) -> None:
    assert images.measure(io.BytesIO(PICTURES[name]), KINDS[name]) == (3, 2)


def test_a_photograph_that_lies_on_its_side_is_measured_as_it_is_shown() -> None:
    assert images.measure(io.BytesIO(JPEG_TURNED), "image/jpeg") == (2, 3)
    assert images.measure(io.BytesIO(PNG_TURNED), "image/png") == (2, 3)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_that_breaks_off_in_its_header_is_none(name: str) -> None:
    for end in range(13):
        with pytest.raises(images.NotAnImage):
            images.measure(io.BytesIO(PICTURES[name][:end]), KINDS[name])


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (30_000, 30_000), (2**31, 2**31)])
def test_a_picture_without_pixels_or_with_too_many_is_not_shown(size: tuple[int, int]) -> None:
    with pytest.raises(images.NotAnImage, match="pixels"):
        images.measure(io.BytesIO(png(*size)), "image/png")


def test_a_damaged_header_is_noticed() -> None:
    with pytest.raises(images.NotAnImage, match="damaged"):
        images.measure(io.BytesIO(PNG[:20] + b"\xff" + PNG[21:]), "image/png")


@given(st.sampled_from(sorted(PICTURES)), st.binary(max_size=300), st.integers(0, 64))
def test_whatever_follows_a_signature_is_measured_or_refused(
    name: str, data: bytes, kept: int
) -> None:
    try:
        size = images.measure(io.BytesIO(PICTURES[name][:kept] + data), KINDS[name])
    except images.NotAnImage:
        return
    assert 0 < size.width * size.height <= images.MAX_PIXELS


# --- Names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("report.pdf", "report.pdf"),
        ("季度 报告.pdf", "季度 报告.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\bob\\a.txt", "a.txt"),
        (".htaccess", "htaccess"),
        ("a\x00b\r\nc.txt", "abc.txt"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ('quo"ted<name>.txt', "quotedname.txt"),
        ("  spaced   out .txt ", "spaced out .txt"),
        ("", "file"),
        ("...", "file"),
        ("/", "file"),
        ("x" * 300 + ".jpeg", "x" * 145 + ".jpeg"),
        ("می\u200cخواهم.txt", "می\u200cخواهم.txt"),
        ("👩\u200d🔧❤\ufe0f.png", "👩\u200d🔧❤\ufe0f.png"),
        ("\u200d\u2066\u3164", "file"),
        ("soft\u00adhyphen\U000e0041.txt", "softhyphen.txt"),
        ("e" + "\u0301" * 40 + ".txt", "é" + "\u0301" * 29 + ".txt"),
    ],
)
def test_a_name_keeps_what_a_name_may_hold(given_name: str, kept: str) -> None:
    assert names.clean(given_name) == kept


@given(st.text(max_size=400))
def test_any_name_becomes_one_that_is_safe_and_stays_as_it_is(name: str) -> None:
    kept = names.clean(name)
    assert 0 < len(kept) <= names.MAX_LENGTH
    assert not kept.startswith(".")
    assert not set(kept) & set('/\\:*?"<>|\r\n\0')
    assert names.clean(kept) == kept


def test_a_name_of_nothing_but_marks_is_cleaned_in_no_time() -> None:
    def seconds(name: str) -> float:
        begun = perf_counter()
        names.clean(name)
        return perf_counter() - begun

    ordinary = min(seconds("é" * 16_000) for _ in range(3))
    assert min(seconds("\u0345" * 8000 + "\u0334" * 8000) for _ in range(3)) < 20 * ordinary


@given(st.text(max_size=400), st.booleans())
def test_the_header_of_a_download_is_one_line_of_ascii_with_the_whole_name(
    name: str, inline: bool
) -> None:
    kept = names.clean(name)
    header = content_disposition_header(as_attachment=not inline, filename=kept)
    assert header.isascii()
    assert header.isprintable()
    told = re.fullmatch(
        r"(inline|attachment); (?:filename=\"([^\"\\]+)\"|filename\*=utf-8''(\S+))", header
    )
    assert told is not None
    assert (told[1] == "inline") == inline
    assert (unquote(told[3]) if told[3] else told[2]) == kept


def test_few_first_bytes_are_enough() -> None:
    assert sniff(PNG + b"\0" * 10 * media_types.HEAD_BYTES) == "image/png"
