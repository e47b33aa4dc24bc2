"""How is something changed?  By a registered hotkey that signed exactly this, or by a token that may."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.response import Response

from dashboard.api import filters
from dashboard.api.auth import body_of
from dashboard.api.bodies import BodySerializer
from dashboard.api.permissions import HotkeyOrScope
from dashboard.api.rendering import Json
from dashboard.api.serializers import RowSerializer
from dashboard.api.views import ApiView


class PersonalView(ApiView):
    """Only for a hotkey that signed, or for a token of `scope` where there is one."""

    permission_classes = [HotkeyOrScope]
    private = True
    scope: ClassVar[str] = ""
    refuses: ClassVar[tuple[int, ...]] = (403,)


class WriteView(PersonalView):
    """Takes a JSON body.  `perform` carries it out; the dataclass that it returns is answered with 201."""

    body_class: ClassVar[type[BodySerializer]]
    created_dataclass: ClassVar[type]

    def get_renderers(self) -> list[Any]:
        """What was written is answered in JSON, even where the table at the same address is CSV as well."""
        return [Json()] if self.request.method == "POST" else super().get_renderers()

    def perform(self, request: Any, body: dict[str, Any], **named: Any) -> Any:
        raise NotImplementedError

    def create(self, request: Any, **named: Any) -> Response:
        return self.created(self.perform(request, self.read_body(request), **named))

    def read_body(self, request: Any) -> dict[str, Any]:
        """The body, read once as bytes (they may be signed) and then as JSON.  Raises RequestRefused."""
        filters.parameters(request.query_params, {}, besides=("format",))
        body_of(request._request)
        body = self.body_class(data={**request.data})
        body.is_valid(raise_exception=True)
        return dict(body.validated_data)

    def created(self, result: Any) -> Response:
        return Response(RowSerializer(result, dataclass=self.created_dataclass).data, status=201)
