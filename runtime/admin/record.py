"""What all records share in the admin: shown whole, never changed, quick on big tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from runtime import access
from runtime.admin import readable

if TYPE_CHECKING:  # they take no parameter at run time
    Pages = Paginator[Any]
    Admin = admin.ModelAdmin[Any]
else:
    Pages, Admin = Paginator, admin.ModelAdmin

PER_PAGE = 50
WITHIN_REACH = 1000  #: rows that a list lets one leaf through; older ones are found by search and filter
PREFIX = 8  #: from so many characters on, the beginning of an id finds it
READING = ("GET", "HEAD", "OPTIONS")


class BoundedPaginator(Pages):
    """Counts to `WITHIN_REACH` and no further, so that a list costs the same at any size of its table."""

    @cached_property
    def count(self) -> int:
        assert isinstance(self.object_list, QuerySet)
        return self.object_list.order_by()[:WITHIN_REACH].count()


class RecordList(ChangeList):
    """A list that leaves long values in the database."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        rows = super().get_queryset(request, exclude_parameters)
        long = {field.name for field in self.opts.concrete_fields if readable.is_long(field)}
        assert isinstance(self.model_admin, RecordAdmin)
        return rows.defer(*long.difference(self.model_admin.listed))

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.cut = self.result_count >= WITHIN_REACH


class RecordAdmin(Admin):
    """A kind of record, to look at.

    `search_fields` are indexed columns: they are compared whole or by their beginning. `hidden` is never
    shown, `listed` are long values that the list needs. `beside` is what belongs to a record: model and
    lookup; the lists there allow such lookups in `narrowed_by`. `page` names the product's page of a record,
    `named_by` a column that an administrator filled in.
    """

    actions = None
    list_per_page = PER_PAGE
    list_max_show_all = 0
    show_full_result_count = False
    paginator = BoundedPaginator
    show_facets = admin.ShowFacets.NEVER  # each would count the whole table
    sortable_by = ()
    ordering: ClassVar[tuple[str, ...]] = ("-pk",)
    list_filter: ClassVar[tuple[str, ...]] = ()
    search_fields: ClassVar[tuple[str, ...]] = ()
    search_help_text = f"A whole id, or its first {PREFIX} characters and more."

    hidden: ClassVar[tuple[str, ...]] = ()
    listed: ClassVar[tuple[str, ...]] = ()
    beside: ClassVar[tuple[tuple[type[Model], str], ...]] = ()
    narrowed_by: ClassVar[tuple[str, ...]] = ()
    page: ClassVar[str] = ""
    named_by: ClassVar[str] = ""

    # Nobody may; who may look has been asked by the site.

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.admin_site.has_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.admin_site.has_permission(request)

    # A look is all there is, whatever is posted where.

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        refuse_acts(request)
        return super().changelist_view(request, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        refuse_acts(request)
        return super().delete_view(request, *args, **kwargs)

    def history_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        refuse_acts(request)
        return super().history_view(request, *args, **kwargs)

    # Lists

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RecordList

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Filters as offered, and the links from records: any other column would be read row by row."""
        return lookup.split("__")[0] in self.list_filter or lookup in self.narrowed_by

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By index: an id as it is, or all that begin so."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q()
        for name in self.search_fields:
            found |= Q(**{name: term})
            if len(term) >= PREFIX:
                found |= Q(**{f"{name}__gte": term, f"{name}__lt": f"{term}\U0010ffff"})
        return queryset.filter(found), False

    # A record's page

    @cached_property
    def shown(self) -> tuple[list[readable.Shown], list[readable.Shown]]:
        """Its short fields and its long ones."""
        fields = [field for field in self.opts.concrete_fields if field.name not in self.hidden]
        short = [readable.field(field) for field in fields if not readable.is_long(field)]
        return short, [readable.field(field) for field in fields if readable.is_long(field)]

    @cached_property
    def belongings(self) -> list[readable.Shown]:
        """Links to the lists of what belongs to it."""

        def tell(record: Any) -> SafeString:
            links = [readable.list_link(model, lookup, record.pk) for model, lookup in self.beside]
            return format_html_join(" · ", "{}", ((link,) for link in links))

        return [readable.labelled("See also", tell)] if self.beside else []

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        short, long = self.shown
        first = (None, {"fields": [*short, *self.belongings]})
        return [first, ("Content", {"fields": long})] if long else [first]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        short, long = self.shown
        return [*short, *self.belongings, *long]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        refuse_acts(request)
        known = {
            "subtitle": self._name(request, object_id),
            "page_url": self._page(object_id),
            **(extra_context or {}),
        }
        response: HttpResponse = super().changeform_view(request, object_id, form_url, known)
        return response

    def _name(self, request: HttpRequest, object_id: str | None) -> str | None:
        """In title and path. A record's own words may be a model's: elsewhere the id stands for it."""
        if not self.named_by or object_id is None:
            return object_id
        found = self.get_object(request, unquote(object_id))
        return object_id if found is None else str(getattr(found, self.named_by))

    def _page(self, object_id: str | None) -> str:
        if not self.page or not object_id:
            return ""
        try:
            return reverse(self.page, args=[unquote(object_id)])
        except NoReverseMatch:  # no id of ours looks like that
            return ""


def refuse_acts(request: HttpRequest) -> None:
    """Raises PermissionDenied for everything that is not a look."""
    if request.method not in READING:
        access.deny(request, "records are read-only")
        raise PermissionDenied("Records are read-only.")
