"""Records in the admin: there for administrators, whole, escaped, and changed by nobody."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client

from runtime.admin import site
from runtime.models import Approval, Denial, Event, Reveal, Run, RunRequest, ToolCall
from tests.admin.conftest import HOSTILE, RECORDS, list_url, make_run, page_url


def test_it_knows_every_kind_of_record() -> None:
    assert set(apps.get_app_config("runtime").get_models()) <= set(site._registry)


def one(kind: type[Model]) -> Model:
    found = kind._default_manager.first()
    assert found is not None
    return found


def test_it_shows_every_record_to_an_administrator(desk: Client, story: Run) -> None:
    for kind in RECORDS:
        listed = desk.get(list_url(kind))
        assert listed.status_code == 200, kind
        assert "<script>alert" not in listed.content.decode(), kind
        whole = desk.get(page_url(one(kind)))
        assert whole.status_code == 200, kind
        text = whole.content.decode()
        assert "<script>alert" not in text, kind
        assert "\u202e" not in text, kind
        assert "_save" not in text, kind


@pytest.mark.parametrize("role", ["administrator", "superuser"])
def test_it_lets_nobody_change_a_record(client: Client, story: Run, role: str) -> None:
    user = User.objects.get(username="anna")
    if role == "superuser":
        user = User.objects.create_superuser("root")
    client.force_login(user)
    # Denials first: after many of one person no more are noted.
    for kind in sorted(RECORDS, key=lambda kind: kind is not Denial):
        record, before = one(kind), kind._default_manager.count()
        listed, page = list_url(kind), page_url(record)
        delete = {"action": "delete_selected", "_selected_action": [record.pk], "post": "yes"}
        assert client.post(listed, delete).status_code == 403, kind
        assert client.post(page, {"_save": "Save"}).status_code == 403, kind
        assert client.post(page.replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403, kind
        assert client.post(listed + "add/", {"_save": "Save"}).status_code == 403, kind
        assert client.get(page.replace("/change/", "/delete/")).status_code == 403, kind
        assert client.get(listed + "add/").status_code == 403, kind
        assert client.put(page, {}).status_code == 403, kind
        refused = 5 if kind is Denial else 0  # each of these acts is a denial itself
        assert kind._default_manager.count() == before + refused, kind


def test_it_offers_no_actions(desk: Client, story: Run) -> None:
    text = desk.get(list_url(Run)).content.decode()
    assert "action-checkbox" not in text
    assert "delete_selected" not in text


def test_it_shows_hidden_characters_and_indents_json(desk: Client, story: Run) -> None:
    call = ToolCall.objects.get(run=story)
    text = desk.get(page_url(call)).content.decode()
    assert "U+202E" in text
    assert "&quot;path&quot;: &quot;&lt;script&gt;" in text
    assert "  &quot;content&quot;: &quot;a\\nb&quot;" in text
    assert "{&quot;path&quot;: &quot;broken" in text  # malformed: as the model sent it


def test_it_shows_a_long_value_cut_and_says_so(desk: Client, story: Run) -> None:
    run = make_run("x" * 60_000)
    text = desk.get(page_url(RunRequest.objects.get(run=run))).content.decode()
    assert "more characters are not shown here" in text
    assert "x" * 51_000 not in text


def test_it_links_records_to_their_pages_and_lists(desk: Client, story: Run) -> None:
    approval = Approval.objects.get(run=story)
    text = desk.get(page_url(story)).content.decode()
    assert f'href="/runs/{story.run_id}/"' in text
    assert f'href="{list_url(Event, run__exact=story.run_id)}"' in text
    assert f'href="{page_url(story.thread)}"' in text
    assert f'href="/threads/{story.thread_id}/"' in desk.get(page_url(story.thread)).content.decode()
    assert f'href="/approvals/{approval.pk}/"' in desk.get(page_url(approval)).content.decode()
    assert f'href="/runs/{story.run_id}/"' in desk.get(list_url(Event)).content.decode()


def test_it_lists_who_had_something_masked_shown(desk: Client, story: Run) -> None:
    row = Reveal.objects.get()
    call = ToolCall.objects.get(run=story)
    assert (
        f'href="{list_url(Reveal, tool_call_id__exact=call.pk)}"' in desk.get(page_url(call)).content.decode()
    )
    for query in ({"tool_call_id__exact": call.pk}, {"q": row.run_id}, {"q": row.approval_id}):
        text = desk.get(list_url(Reveal, **query)).content.decode()
        assert page_url(row) in text
        assert page_url(call) in text
        assert f'href="/approvals/{row.approval_id}/"' in text
    assert page_url(row) not in desk.get(list_url(Reveal, run_id__exact="another")).content.decode()


@pytest.mark.parametrize("role", ["administrator", "reviewer"])
def test_it_is_linked_from_the_pages_for_administrators(client: Client, story: Run, role: str) -> None:
    person = User.objects.get(username="anna")
    person.groups.set([Group.objects.get(name=role)])
    client.force_login(person)
    approval = Approval.objects.get(run=story)
    pages = {
        f"/runs/{story.run_id}/": page_url(story),
        f"/threads/{story.thread_id}/": page_url(story.thread),
        f"/approvals/{approval.pk}/": page_url(approval),
        "/": "/admin/",
    }
    for page, record in pages.items():
        text = client.get(page).content.decode()
        assert (f'href="{record}"' in text) is (role == "administrator")


def test_it_narrows_a_list_to_a_run(desk: Client, story: Run) -> None:
    other = make_run("another")
    text = desk.get(list_url(Event, run__exact=other.run_id)).content.decode()
    assert text.count("field-type") == Event.objects.filter(run=other).count()


@pytest.mark.parametrize("length", [36, 20, 8])
def test_it_finds_by_an_id_or_its_beginning(desk: Client, story: Run, length: int) -> None:
    text = desk.get(list_url(Run, q=story.run_id[:length])).content.decode()
    assert page_url(story) in text


def test_it_finds_nothing_by_other_words(desk: Client, story: Run) -> None:
    for q in ("0", "nothing-like-it", HOSTILE, "%", "\x00", "'", "🙂" * 99):
        response = desk.get(list_url(Run, q=q))
        assert response.status_code == 200, q
        assert HOSTILE not in response.content.decode(), q
        if "\x00" not in q:
            assert page_url(story) not in response.content.decode(), q


def test_it_filters(desk: Client, story: Run) -> None:
    queued = make_run("another")
    text = desk.get(list_url(Run, state__exact="queued")).content.decode()
    assert page_url(queued) in text
    assert page_url(story) not in text
    text = desk.get(list_url(Event, run__exact=story.run_id, type="tool.started")).content.decode()
    assert text.count("field-type") == 1


def test_it_reads_no_column_row_by_row(desk: Client, story: Run) -> None:
    assert desk.get(list_url(Event, event_json__icontains="a")).status_code == 400
    assert desk.get(list_url(Run, output__startswith="a")).status_code == 400


@pytest.mark.parametrize("kind", [Run, Event, Approval])
def test_a_nul_in_a_filter_finds_nothing(desk: Client, story: Run, kind: type[Model]) -> None:
    for query in ("state=%00", "agent_id=%00", "run__exact=%00", "q=%00", "p=%00"):
        assert desk.get(f"{list_url(kind)}?{query}").status_code in (200, 302, 400), query


@pytest.mark.parametrize("kind", [Run, Event])
def test_it_answers_for_a_record_that_is_not_there(desk: Client, story: Run, kind: type[Model]) -> None:
    for key in ("nothing", "99999999999999999999999", "a/b", "_00", "%00"):
        response = desk.get(f"{list_url(kind)}{key}/change/")
        assert response.status_code in {302, 404}, key
