from __future__ import annotations

import pytest
from teleport_okta.sandbox.okta import Delays, Settings
from unit.sandbox_okta.sandbox_okta_world import World, causes, links, profile, refused

LISTED_FIELDS = [
    "id",
    "status",
    "created",
    "activated",
    "statusChanged",
    "lastLogin",
    "lastUpdated",
    "passwordChanged",
    "realmId",
    "type",
    "profile",
    "credentials",
    "_links",
]


def test_a_listed_user_has_okta_s_fields_in_okta_s_order(world: World) -> None:
    user = world.get("/api/v1/users").json()[0]
    assert list(user) == LISTED_FIELDS
    assert list(user["_links"]) == ["self"]
    assert user["created"] == "2026-01-05T08:00:00.000Z"
    assert user["id"].startswith("00u")
    assert len(user["id"]) == 20


def test_a_user_read_alone_has_the_links_of_its_status(world: World) -> None:
    ada = world.org.create_user(profile("ada"))
    suspended = world.org.suspend(world.org.create_user(profile("alan")).id)
    assert {"suspend", "deactivate"} <= set(world.get(f"/api/v1/users/{ada.id}").json()["_links"])
    assert {"unsuspend"} <= set(world.get(f"/api/v1/users/{suspended.id}").json()["_links"])


def test_a_user_is_found_by_id_by_login_and_as_me(world: World) -> None:
    ada = world.org.create_user(profile("ada"))
    assert world.get(f"/api/v1/users/{ada.id}").json()["id"] == ada.id
    assert world.get("/api/v1/users/ADA@example.com").json()["id"] == ada.id
    assert world.get("/api/v1/users/me").json()["id"] == world.org.admin


def test_a_login_with_a_slash_cannot_be_addressed(world: World) -> None:
    user = world.org.create_user(profile("a/da"))
    assert refused(world.get("/api/v1/users/a%2Fda@example.com")) == (404, "E0000007")
    assert world.get(f"/api/v1/users/{user.id}").status == 200


def test_an_unknown_user_is_named_in_the_error(world: World) -> None:
    response = world.get("/api/v1/users/00uNobody")
    assert refused(response) == (404, "E0000007")
    assert response.json()["errorSummary"] == "Not found: Resource not found: 00uNobody (User)"


def test_the_plain_listing_hides_deactivated_users_filter_and_search_do_not(prompt_world: World) -> None:
    world = prompt_world
    gone = world.org.create_user(profile("gone"))
    world.org.deactivate(gone.id)
    assert gone.id not in world.ids("/api/v1/users")
    assert world.ids('/api/v1/users?filter=status eq "DEPROVISIONED"') == [gone.id]
    assert gone.id in world.ids("/api/v1/users?search=status pr")
    assert world.ids("/api/v1/users?q=gone") == []


def test_search_lags_behind_and_filter_does_not(world: World) -> None:
    ada = world.org.create_user(profile("ada"))
    assert world.ids('/api/v1/users?search=profile.login eq "ada@example.com"') == []
    assert world.ids('/api/v1/users?filter=profile.login eq "ada@example.com"') == [ada.id]
    world.now += 1
    assert world.ids('/api/v1/users?search=profile.login eq "ada@example.com"') == [ada.id]
    world.org.update_profile(ada.id, title="Countess")
    assert "title" not in world.get("/api/v1/users?search=status pr").json()[-1]["profile"]


def test_a_deleted_user_stays_in_the_search_index_for_a_while(world: World) -> None:
    ada = world.org.create_user(profile("ada"))
    world.now += 5
    world.org.delete_user(ada.id)
    assert ada.id in world.ids("/api/v1/users?search=status pr")
    world.now += 5
    assert ada.id not in world.ids("/api/v1/users?search=status pr")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ('filter=status eq "ACTIVE"&search=status pr', "E0000033"),
        ('filter=profile.login sw "a"', "E0000031"),
        ('filter=profile.title eq "a"', "E0000031"),
        ("filter=status eq ACTIVE", "E0000031"),
        ('search=profile.login ne "a"', "E0000031"),
        ('search=(status eq "ACTIVE"', "E0000031"),
        ("filter=", "E0000031"),
        ('filter=lastUpdated gt "yesterday"', "E0000030"),
    ],
)
def test_unsupported_criteria_are_refused(world: World, query: str, code: str) -> None:
    assert refused(world.get(f"/api/v1/users?{query}")) == (400, code)


def test_filter_joins_terms_and_compares_dates(world: World) -> None:
    world.now += 100
    ada = world.org.create_user(profile("ada"))
    alan = world.org.create_user(profile("alan"))
    since = '(profile.firstName eq "ada" or id eq "nobody") and lastUpdated gt "2026-01-05T08:00:00.000Z"'
    assert world.ids(f"/api/v1/users?filter={since}") == [ada.id]
    assert world.ids('/api/v1/users?filter=lastUpdated ge "2026-01-05T08:01:40.000Z"') == [ada.id, alan.id]
    assert world.ids('/api/v1/users?filter=lastUpdated gt "2026-01-05T08:01:40.000Z"') == []


def test_search_has_every_profile_attribute_and_sorts(prompt_world: World) -> None:
    world = prompt_world
    bob = world.org.create_user(profile("bob", teams=["red", "blue"], title="Lead"))
    amy = world.org.create_user(profile("amy", teams=["blue"]))
    assert world.ids('/api/v1/users?search=profile.teams eq "RED"') == [bob.id]
    assert world.ids("/api/v1/users?search=profile.title pr") == [bob.id]
    sort = "sortBy=profile.firstName&sortOrder=desc"
    assert world.ids(f'/api/v1/users?search=profile.lastName eq "Tester"&{sort}') == [bob.id, amy.id]


def test_q_is_a_prefix_and_one_page_of_ten(world: World) -> None:
    for number in range(12):
        world.org.create_user(profile(f"ada{number}"))
    response = world.get("/api/v1/users?q=ada")
    assert len(response.json()) == 10
    assert set(links(response)) == {"self"}
    assert "limit=10" in links(response)["self"]


def test_fields_projects_and_okta_response_omits(world: World) -> None:
    user = world.get("/api/v1/users?fields=id,profile:(login)").json()[0]
    assert list(user) == ["id", "profile"]
    assert list(user["profile"]) == ["login"]
    lighter = world.get("/api/v1/users", Content_Type='application/json; okta-response="omitCredentials"').json()[0]
    assert "credentials" not in lighter


def test_a_new_user_is_activated_by_default(world: World) -> None:
    created = world.post("/api/v1/users", {"profile": profile("ada")}).json()
    staged = world.post("/api/v1/users?activate=false", {"profile": profile("alan")}).json()
    password = {"profile": profile("grace"), "credentials": {"password": {"value": "invented"}}}
    assert (created["status"], created["passwordChanged"]) == ("PROVISIONED", None)
    assert (staged["status"], staged["activated"], staged["statusChanged"]) == ("STAGED", None, None)
    assert world.post("/api/v1/users", password).json()["status"] == "ACTIVE"


def test_creating_puts_into_the_groups_named(world: World) -> None:
    group = world.org.create_group("Red")
    user = world.post("/api/v1/users", {"profile": profile("ada"), "groupIds": [group.id]}).json()
    assert world.ids(f"/api/v1/groups/{group.id}/users") == [user["id"]]


def test_a_login_is_unique_independent_of_its_case(world: World) -> None:
    world.org.create_user(profile("ada"))
    response = world.post("/api/v1/users", {"profile": profile("ADA")})
    assert refused(response) == (400, "E0000001")
    assert response.json()["errorSummary"] == "Api validation failed: login"
    assert causes(response) == ["login: An object with this field already exists in the current organization"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"login": ""}, "login"),
        ({"login": "ada"}, "login"),
        ({"lastName": None}, "lastName"),
        ({"title": "🦊"}, "title"),
    ],
)
def test_a_bad_profile_is_refused_with_its_field(world: World, change: dict[str, object], field: str) -> None:
    response = world.post("/api/v1/users", {"profile": profile("ada") | change})
    assert refused(response) == (400, "E0000001")
    assert causes(response)[0].startswith(f"{field}: ")


def test_post_changes_the_given_attributes_and_put_clears_the_others(world: World) -> None:
    ada = world.org.create_user(profile("ada", title="Countess", city="London"))
    world.post(f"/api/v1/users/{ada.id}", {"profile": {"title": "Author"}})
    assert world.org.user(ada.id).profile["city"] == "London"
    body = world.put(f"/api/v1/users/{ada.id}", {"profile": profile("ada")}).json()
    assert "title" not in body["profile"]


def test_last_updated_moves_with_profile_and_status_only(prompt_world: World) -> None:
    world = prompt_world
    ada = world.org.create_user(profile("ada"))
    group, app = world.org.create_group("Red"), world.org.create_app("Wiki")
    world.now += 60
    world.org.add_member(group.id, ada.id)
    world.org.assign(app.id, ada.id)
    world.org.update_profile(ada.id, firstName="Ada")
    assert world.org.user(ada.id).last_updated == ada.last_updated
    world.org.suspend(ada.id)
    assert world.org.user(ada.id).last_updated == ada.last_updated + 60


@pytest.mark.parametrize(
    ("status", "action", "answer"),
    [
        ("ACTIVE", "suspend", 200),
        ("PROVISIONED", "suspend", (400, "E0000001")),
        ("DEPROVISIONED", "suspend", (400, "E0000001")),
        ("SUSPENDED", "unsuspend", 200),
        ("ACTIVE", "unsuspend", (400, "E0000001")),
        ("LOCKED_OUT", "unlock", 200),
        ("ACTIVE", "unlock", (403, "E0000032")),
        ("STAGED", "activate", 200),
        ("DEPROVISIONED", "activate", 200),
        ("ACTIVE", "activate", (403, "E0000016")),
        ("PROVISIONED", "activate", (403, "E0000016")),
        ("PROVISIONED", "reactivate", 200),
        ("ACTIVE", "reactivate", (403, "E0000038")),
        ("SUSPENDED", "deactivate", 200),
        ("STAGED", "deactivate", 200),
        ("DEPROVISIONED", "deactivate", (403, "E0000038")),
        ("SUSPENDED", "expire_password", (403, "E0000038")),
    ],
)
def test_lifecycle_operations_depend_on_the_status(world: World, status: str, action: str, answer: object) -> None:
    ada = world.org.create_user(profile("ada"))
    world.org.set_status(ada.id, status)
    response = world.post(f"/api/v1/users/{ada.id}/lifecycle/{action}")
    assert (response.status if response.status == 200 else refused(response)) == answer


def test_activation_without_a_mail_answers_with_the_link(world: World) -> None:
    ada = world.org.create_user(profile("ada"), activate=False)
    body = world.post(f"/api/v1/users/{ada.id}/lifecycle/activate?sendEmail=false").json()
    assert list(body) == ["activationUrl", "activationToken"]
    assert body["activationUrl"].endswith(body["activationToken"])


def test_the_first_delete_deactivates_and_the_second_removes(world: World) -> None:
    ada = world.org.create_user(profile("ada"))
    assert world.delete(f"/api/v1/users/{ada.id}").status == 204
    assert world.get(f"/api/v1/users/{ada.id}").json()["status"] == "DEPROVISIONED"
    assert world.delete(f"/api/v1/users/{ada.id}").status == 204
    assert refused(world.delete(f"/api/v1/users/{ada.id}")) == (404, "E0000007")
    assert world.org.create_user(profile("ada")).id != ada.id


def test_transitions_show_until_they_are_over() -> None:
    world = World(Settings(delays=Delays(transition=4)))
    ada = world.post("/api/v1/users", {"profile": profile("ada")}).json()
    assert list(ada)[:3] == ["id", "status", "transitioningToStatus"]
    assert (ada["status"], ada["transitioningToStatus"]) == ("STAGED", "PROVISIONED")
    assert refused(world.post(f"/api/v1/users/{ada['id']}", {"profile": {"title": "x"}})) == (409, "E0000112")
    world.now += 30
    settled = world.get(f"/api/v1/users/{ada['id']}").json()
    assert settled["status"] == "PROVISIONED"
    assert "transitioningToStatus" not in settled
    assert settled["activated"] == "2026-01-05T08:00:04.000Z"


def test_deactivation_keeps_groups_and_takes_the_assignments_of_active_apps(prompt_world: World) -> None:
    world = prompt_world
    ada = world.org.create_user(profile("ada"))
    group, active, inactive = world.org.create_group("Red"), world.org.create_app("A"), world.org.create_app("B")
    world.org.add_member(group.id, ada.id)
    for app in (active, inactive):
        world.org.assign(app.id, ada.id)
    world.org.deactivate_app(inactive.id)
    world.org.deactivate(ada.id)
    assert world.ids(f"/api/v1/groups/{group.id}/users") == [ada.id]
    assert world.ids(f"/api/v1/apps/{active.id}/users") == []
    assert world.ids(f"/api/v1/apps/{inactive.id}/users") == [ada.id]


def test_a_user_s_groups_begin_with_everyone(world: World) -> None:
    ada = world.org.create_user(profile("ada"))
    group = world.org.create_group("Red")
    world.org.add_member(group.id, ada.id)
    response = world.get(f"/api/v1/users/{ada.id}/groups")
    assert [entry["profile"]["name"] for entry in response.json()] == ["Everyone", "Red"]
    assert links(response)["self"].endswith("/groups?limit=200")


def test_app_links_are_those_of_visible_active_apps(prompt_world: World) -> None:
    world = prompt_world
    ada = world.org.create_user(profile("ada"))
    shown = world.org.create_app("Wiki")
    hidden = world.org.create_app("Secret", visibility={"hide": {"web": True}})
    for app in (shown, hidden):
        world.org.assign(app.id, ada.id)
    (entry,) = world.get(f"/api/v1/users/{ada.id}/appLinks").json()
    assert (entry["label"], entry["appInstanceId"], entry["id"]) == ("Wiki", shown.id, ada.id)
    assert entry["appAssignmentId"].startswith("0ua")
    assert entry["linkUrl"] == world.get(f"/api/v1/apps/{shown.id}").json()["_links"]["appLinks"][0]["href"]


def test_an_import_can_leave_a_user_without_a_login(world: World) -> None:
    ada = world.org.create_user(profile("ada"))
    world.org.import_profile(ada.id, login=None, title="🦊")
    shown = world.get(f"/api/v1/users/{ada.id}").json()["profile"]
    assert "login" not in shown
    assert shown["title"] == "🦊"


def test_a_deactivated_user_comes_back_without_a_password(world: World) -> None:
    ada = world.org.create_user(profile("ada"))
    world.org.deactivate(ada.id)
    world.post(f"/api/v1/users/{ada.id}/lifecycle/activate")
    assert world.get(f"/api/v1/users/{ada.id}").json()["status"] == "PROVISIONED"
