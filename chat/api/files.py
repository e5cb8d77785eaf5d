"""REST API of files attached to messages."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any, BinaryIO

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.login.requests import WorkspaceRequest
from chat import selectors, services
from chat.api import documents
from chat.api.base import ChatAPIView, address, document, page, query_of
from chat.api.serializers import FilePageSerializer, UploadSerializer
from chat.files import media_types, uploads
from chat.models import Attachment
from chat.protocol.views import AttachmentView as AttachmentDocument
from realtime.errors import NotFound
from realtime.http.openapi import operation
from realtime.protocol import rfc3339

CHUNK = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class AttachmentListView(ChatAPIView):
    """GET: the files of `room`, newest first. POST: upload one (form fields `room` and `file`)."""

    parser_classes = (MultiPartParser,)

    @operation(
        "list_attachments",
        "The files of a room, newest first",
        query=FilePageSerializer,
        answers={200: documents.AttachmentPage},
    )
    def get(self, request: WorkspaceRequest) -> Response:
        wanted = query_of(request, FilePageSerializer).validated_data
        limit = wanted["limit"]
        found = selectors.room_attachments(
            request.principal, wanted["room"], before=wanted.get("before"), limit=limit + 1
        )
        more = address(request, before=found[limit - 1].pk) if len(found) > limit else None
        return Response(page([_listed(each) for each in found[:limit]], next_=more))

    @operation(
        "upload_attachment",
        "Upload a file for a message",
        body=UploadSerializer,
        answers={201: AttachmentDocument},
        refuses=(409, 503),
    )
    def post(self, request: WorkspaceRequest) -> Response:
        form = UploadSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        room, file = form.validated_data["room"], form.validated_data["file"]
        services.check_upload(principal=request.principal, room=room, size=file.size)
        incoming = uploads.Incoming()
        for chunk in file.chunks(CHUNK):
            incoming.write(chunk)
        attachment = services.store_upload(
            principal=request.principal, room=room, name=file.name, incoming=incoming
        )
        return Response(document(selectors.attachment_view(attachment)), status=201)


class AttachmentView(ChatAPIView):
    """GET: the file itself. `download=1`: as a download, even if a page could show it.

    Supports a single byte range. Permission is checked on every request.
    """

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # An <img> accepts only images, and the response is in none of the API's formats anyway.
        return super().perform_content_negotiation(request, force=True)

    @operation(
        "download_attachment",
        "The file itself, or one range of its bytes",
        answers={
            (200, "*/*"): OpenApiTypes.BINARY,
            (206, "*/*"): OpenApiTypes.BINARY,
            304: OpenApiResponse(description="The client has it: `If-None-Match`."),
            416: OpenApiResponse(description="It has no such range."),
        },
        parameters=[
            OpenApiParameter(
                "download",
                str,
                enum=["1"],
                description="1: to be saved, though a page could show it.",
            ),
            OpenApiParameter("Range", str, OpenApiParameter.HEADER, description="`bytes=0-1023`"),
        ],
    )
    def get(self, request: WorkspaceRequest, attachment_id: int) -> HttpResponseBase:
        attachment = selectors.find_attachment(request.principal, attachment_id)
        inline = attachment.inline and request.query_params.get("download") != "1"
        tag = f'"{attachment.key}"'
        response: HttpResponseBase
        if tag in request.headers.get("If-None-Match", ""):
            response = HttpResponse(status=304)
        else:
            response = _content(request, attachment, tag)
            response["Content-Disposition"] = (
                content_disposition_header(as_attachment=not inline, filename=attachment.name) or ""
            )
        response["ETag"] = tag
        # The browser may cache it but must revalidate, so that revoked access ends at once.
        response["Cache-Control"] = "private, no-cache"
        response["X-Content-Type-Options"] = "nosniff"
        response["Content-Security-Policy"] = "default-src 'none'; sandbox"
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        return response


def _listed(attachment: Attachment) -> dict[str, Any]:
    """Return a file's list entry, with its message, uploader and upload time."""
    assert attachment.message is not None
    return {
        **document(selectors.attachment_view(attachment)),
        "message_id": attachment.message_id,
        "sequence": attachment.message.sequence,
        "user_id": attachment.uploader_id,
        "username": attachment.uploader.username,
        "timestamp": rfc3339(attachment.created_at),
    }


def _content(request: WorkspaceRequest, attachment: Attachment, tag: str) -> HttpResponseBase:
    size = attachment.size
    wanted = request.headers.get("Range", "")
    if request.headers.get("If-Range", tag) != tag:
        wanted = ""
    match = _RANGE.fullmatch(wanted)
    first, last = _bounds(match, size) if match else (0, size - 1)
    if first > last:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    try:
        file = uploads.opened(attachment.key)
    except FileNotFoundError:
        raise NotFound("There is no such file.") from None
    response = StreamingHttpResponse(
        FilePart(file, first, last - first + 1),
        status=206 if match else 200,
        # Only an image whose structure was checked is served under its own content type.
        content_type=attachment.content_type if attachment.inline else media_types.BINARY,
    )
    response["Content-Length"] = str(last - first + 1)
    response["Accept-Ranges"] = "bytes"
    if match:
        response["Content-Range"] = f"bytes {first}-{last}/{size}"
    return response


def _bounds(match: re.Match[str], size: int) -> tuple[int, int]:
    """Return the first and last byte of a requested range; first > last if it is unsatisfiable."""
    first, last = match.groups()
    if not first:
        return (max(0, size - int(last)), size - 1) if last and int(last) else (1, 0)
    return int(first), min(int(last or size - 1), size - 1)


class FilePart:
    """A byte range of a file, read in chunks as it is sent, never on the event loop."""

    def __init__(self, file: BinaryIO, start: int, length: int) -> None:
        self._file = file
        self._start = start
        self._length = length

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            await asyncio.to_thread(self._file.seek, self._start)
            left = self._length
            while left > 0:
                piece = await asyncio.to_thread(self._file.read, min(CHUNK, left))
                if not piece:
                    return
                left -= len(piece)
                yield piece
        finally:
            self._file.close()

    def close(self) -> None:
        self._file.close()
