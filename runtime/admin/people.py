"""People: made, given roles and a password, disabled. Never deleted: what they did bears their name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from runtime import access
from runtime.admin.readable import EMPTY, labelled, moment, record_link, time_column
from runtime.admin.record import RecordAdmin
from runtime.admin.site import address_of, site
from runtime.models import ServiceAccount, SignInLink

if TYPE_CHECKING:  # they take no parameter at run time
    ChangeForm = UserChangeForm[User]
    NewForm = AdminUserCreationForm[User]
    OthersPasswordForm = AdminPasswordChangeForm[User]
    DjangosAdmin = UserAdmin[User]
else:
    ChangeForm, NewForm, OthersPasswordForm = UserChangeForm, AdminUserCreationForm, AdminPasswordChangeForm
    DjangosAdmin = UserAdmin

NO_ROLE = "no role"
# The admin's own pages (headings, links, "Add …") take their words from here. Migrations do not see them.
for kind, one, many in (
    (User, "person", "people"),
    (Group, "role", "roles"),
    (SignInLink, "sign-in link", "sign-in links"),
):
    kind._meta.verbose_name, kind._meta.verbose_name_plural = one, many


def roles_of(person: User) -> str:
    """The roles in words."""
    names = [group.name for group in person.groups.all()]
    return ", ".join([*sorted(names), *(["superuser"] if person.is_superuser else [])]) or NO_ROLE


def password_of(person: User) -> SafeString:
    """Whether there is one, and the way to a new one. Nothing of its hash is shown."""
    there = "set" if person.has_usable_password() else "none: comes in by one-time links alone"
    return format_html('{} · <a href="../password/">set a password</a>', there)


class PersonForm(ChangeForm):
    """A person's facts and roles; those who look after people do not lock themselves out."""

    acting: ClassVar[Any] = None  #: who fills the form in; set for each request

    def clean(self) -> dict[str, Any]:
        known: dict[str, Any] = super().clean() or self.cleaned_data
        if "username" in self.changed_data:
            refuse_program(known.get("username", ""))
        if self.instance.pk == getattr(self.acting, "pk", None):
            roles = {group.name for group in known.get("groups", ())}
            if not known.get("is_active", True):
                raise ValidationError("You cannot disable yourself; another administrator can.")
            if "administrator" not in roles and not self.instance.is_superuser:
                raise ValidationError("You cannot take this role from yourself; another administrator can.")
        return known


def refuse_program(name: str) -> None:
    """Records name who did something: a person must not pass for the program of the same name."""
    if ServiceAccount.objects.filter(name=name).exists():
        raise ValidationError(f"A service account is called {name}: records would not tell the two apart.")


class NewPersonForm(NewForm):
    """A person's name, roles and way in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        say_the_way_in(self)

    def clean_username(self) -> str:
        name = str(super().clean_username())
        refuse_program(name)
        return name


class PasswordForm(OthersPasswordForm):
    """A new password for a person, or none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        say_the_way_in(self)


def say_the_way_in(form: forms.BaseForm) -> None:
    """Django's own words speak of ways to sign in that are not here."""
    choice = form.fields.get("usable_password")  # a person without a password is asked for one alone
    if isinstance(choice, forms.ChoiceField):
        choice.label = "Comes in by"
        choice.choices = [("true", "a password"), ("false", "one-time links alone")]
        choice.help_text = "manage.py sign_in_link --user NAME prints a link."


class RoleFilter(admin.RelatedFieldListFilter):
    """The people with a role."""

    def __init__(self, field: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(field, *args, **kwargs)
        self.title = "role"


@admin.register(User, site=site)
class PeopleAdmin(DjangosAdmin):
    """Names, roles, passwords; every change leaves a log entry that says what, by whom and from where."""

    form = PersonForm
    add_form = NewPersonForm
    change_password_form = PasswordForm
    add_form_template = "admin/change_form.html"  # Django's own speaks of users
    actions = None
    list_display = (
        "username",
        "email",
        labelled("Roles", roles_of),
        "is_active",
        time_column("last_login", "Last sign-in"),
    )
    list_filter = ("is_active", ("groups", RoleFilter))
    search_fields = ("username", "email", "first_name", "last_name")
    fieldsets = (
        (None, {"fields": ("username", "password_state", "first_name", "last_name", "email")}),
        ("What this person may do", {"fields": ("is_active", "groups", "superuser")}),
        ("Dates", {"fields": ("last_sign_in", "joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "email", "groups", "usable_password", "password1", "password2")}),
    )
    readonly_fields = ("password_state", "superuser", "last_sign_in", "joined")
    filter_horizontal = ()

    @admin.display(description="Password")
    def password_state(self, person: User) -> SafeString:
        return password_of(person)

    @admin.display(description="Superuser", boolean=True)
    def superuser(self, person: User) -> bool:
        return person.is_superuser

    @admin.display(description="Last sign-in")
    def last_sign_in(self, person: User) -> str:
        return moment(person.last_login)[:19] or EMPTY

    @admin.display(description="Added")
    def joined(self, person: User) -> str:
        return moment(person.date_joined)[:19]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.admin_site.has_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.admin_site.has_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.admin_site.has_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.admin_site.has_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.acting = request.user  # this form's class is made for this request alone
        if "is_active" in form.base_fields:
            form.base_fields["is_active"].help_text = "Who is not active cannot come in."
        return form

    def formfield_for_manytomany(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["widget"] = forms.CheckboxSelectMultiple
            kwargs["queryset"] = Group.objects.filter(name__in=access.ROLES)
            kwargs["label"] = "Roles"
            kwargs["help_text"] = "Without a role a person sees nothing."
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        """What the log entry says: in words, with the roles before and after."""
        said = ["Added."] if add else []
        if "groups" in form.changed_data:
            before = ", ".join(sorted(group.name for group in form.initial.get("groups", ()))) or NO_ROLE
            after = ", ".join(sorted(group.name for group in form.cleaned_data["groups"])) or NO_ROLE
            said.append(f"Roles: {after}." if add else f"Roles: {before} → {after}.")
        if "is_active" in form.changed_data:
            said.append("Enabled." if form.cleaned_data["is_active"] else "Disabled.")
        if not hasattr(form, "instance"):
            said.append("Password set." if form.cleaned_data["set_usable_password"] else "Password removed.")
        others = {"username", "first_name", "last_name", "email"} & set(form.changed_data)
        if others and not add:
            said.append(f"Changed: {', '.join(sorted(others)).replace('_', ' ')}.")
        return " ".join([*said, f"From {address_of(request)}."])


@admin.register(Group, site=site)
class RoleAdmin(RecordAdmin):
    """The four roles, fixed, and who has them."""

    list_display = ("name",)
    ordering = ("name",)
    named_by = "name"

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [(None, {"fields": ["name", "people"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return ["name", "people"]

    @admin.display(description="People")
    def people(self, role: Group) -> SafeString | str:
        found = role.user_set.order_by("username")[:200]
        links = ((record_link(User, person.pk, person.get_username()),) for person in found)
        return format_html_join(", ", "{}", links) or EMPTY


@admin.register(SignInLink, site=site)
class SignInLinkAdmin(RecordAdmin):
    """One-time links: for whom, until when, whether used."""

    list_display = (
        "id",
        labelled("For", lambda link: record_link(User, link.user_id, link.user.get_username())),
        time_column("created_at"),
        time_column("expires_at"),
        time_column("used_at"),
    )
    list_select_related = ("user",)
    hidden = ("token_hash",)
