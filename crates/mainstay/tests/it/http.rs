//! REST and the console's door: sessions, CSRF, hosts, sizes, paths, retries.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use server::App;
use tower::ServiceExt as _;

use crate::house::{House, PASSWORD};

pub(crate) struct Door {
    pub(crate) house: House,
    pub(crate) app: Arc<App>,
    pub(crate) runtime: tokio::runtime::Runtime,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) body: String,
}

impl Door {
    pub(crate) fn new() -> Self {
        let mut house = House::new();
        let app = App::new(house.world.kernel.clone(), house.site.take().unwrap(), vec!["localhost".into()]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { house, app, runtime }
    }

    pub(crate) fn send(&self, request: Request<Body>) -> Answer {
        let router = server::router(&self.app);
        self.runtime.block_on(async {
            let response: Response = router.oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Answer { status: parts.status, headers: parts.headers, body: String::from_utf8_lossy(&body).into_owned() }
        })
    }

    pub(crate) fn get(&self, path: &str, cookie: &str) -> Answer {
        self.send(Request::get(path).header("host", "localhost").header("cookie", cookie).body(Body::empty()).unwrap())
    }

    pub(crate) fn post(&self, path: &str, cookie: &str, form: &str) -> Answer {
        self.post_from("", path, cookie, form)
    }

    /// Sends a form from a page, as browsers tell it.
    pub(crate) fn post_from(&self, from: &str, path: &str, cookie: &str, form: &str) -> Answer {
        let request = Request::post(path)
            .header("host", "localhost")
            .header("cookie", cookie)
            .header(header::REFERER, from)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form.to_owned())).unwrap())
    }

    /// Signs in and answers the cookie.
    pub(crate) fn sign_in(&self, login: &str) -> String {
        let password = PASSWORD.replace(' ', "+");
        let answer = self.post("/sign-in", "", &format!("login={login}&password={password}&next=/"));
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        answer.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    /// The token that a page's forms carry.
    pub(crate) fn csrf(&self, cookie: &str) -> String {
        let page = self.get("/me", cookie);
        page.body.split("data-csrf=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    }

    pub(crate) fn token(&self) -> String {
        self.house.call(&kernel::Actor::os("root"), "people.token.create", json!({"for": "ada", "name": "test"}))["token"].as_str().unwrap().to_owned()
    }

    pub(crate) fn api(&self, method: &str, path: &str, token: &str, body: &Value, extra: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json");
        for (name, value) in extra {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(if body.is_null() { String::new() } else { body.to_string() })).unwrap())
    }
}

#[test]
fn a_session_opens_with_the_password_and_ends_with_sign_out() {
    let door = Door::new();
    assert_eq!(door.get("/desk", "").status, StatusCode::SEE_OTHER);
    let wrong = door.post("/sign-in", "", "login=ada&password=wrong&next=/");
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.body);
    let cookie = door.sign_in("ada");
    assert_eq!(door.get("/desk", &cookie).status, StatusCode::OK);
    let csrf = door.csrf(&cookie);
    assert_eq!(door.post("/signout", &cookie, &format!("_csrf={csrf}")).status, StatusCode::SEE_OTHER);
    assert_eq!(door.get("/desk", &cookie).status, StatusCode::SEE_OTHER, "the session is gone on the server");
}

#[test]
fn signing_in_makes_a_new_session_whatever_cookie_came_along() {
    let door = Door::new();
    let planted = "mainstay_session=planted-by-somebody";
    let answer = door.post("/sign-in", planted, &format!("login=ada&password={}&next=/", PASSWORD.replace(' ', "+")));
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(!cookie.contains("planted") && cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    assert_eq!(door.get("/desk", planted).status, StatusCode::SEE_OTHER);
}

#[test]
fn a_form_without_the_sessions_token_or_from_another_site_is_refused() {
    let door = Door::new();
    let cookie = door.sign_in("ada");
    let form = "kind=request&summary=Hello&_back=/desk";
    assert_eq!(door.post("/do/desk.ticket.open", &cookie, form).status, StatusCode::FORBIDDEN);
    let csrf = door.csrf(&cookie);
    let foreign = Request::post("/do/desk.ticket.open")
        .header("host", "localhost")
        .header("cookie", &cookie)
        .header("origin", "https://evil.example")
        .header("content-type", "application/x-www-form-urlencoded");
    let foreign = foreign.body(Body::from(format!("{form}&_csrf={csrf}"))).unwrap();
    assert_eq!(door.send(foreign).status, StatusCode::FORBIDDEN);
    let mine = door.post("/do/desk.ticket.open", &cookie, &format!("{form}&_csrf={csrf}"));
    assert_eq!(mine.status, StatusCode::SEE_OTHER, "{}", mine.body);
    let by_cookie = Request::post("/api/v1/desk/tickets")
        .header("host", "localhost")
        .header("cookie", &cookie)
        .header("content-type", "application/json");
    assert_eq!(
        door.send(by_cookie.body(Body::from(r#"{"kind":"request","summary":"x"}"#)).unwrap()).status,
        StatusCode::FORBIDDEN
    );
}

#[test]
fn the_token_of_forms_is_written_differently_on_every_page() {
    let door = Door::new();
    let cookie = door.sign_in("ada");
    let (one, other) = (door.csrf(&cookie), door.csrf(&cookie));
    assert_ne!(one, other, "pages are compressed: what is the same in each can be guessed");
    for csrf in [one, other] {
        let form = format!("kind=request&summary=Hello&_back=/desk&_csrf={csrf}");
        assert_eq!(door.post("/do/desk.ticket.open", &cookie, &form).status, StatusCode::SEE_OTHER);
    }
}

#[test]
fn who_is_turned_back_on_the_way_in_reads_a_page() {
    let door = Door::new();
    for path in ["/sign-in", "/setup", "/signout"] {
        let request = Request::post(path).header("host", "localhost").header("sec-fetch-site", "cross-site");
        let answer = door.send(request.body(Body::from("login=ada")).unwrap());
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert!(answer.headers[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/html"), "{path}");
        assert!(answer.body.contains("another site"), "{path}: {}", answer.body);
    }
}

#[test]
fn the_gallery_is_for_those_who_are_signed_in() {
    let door = Door::new();
    assert_eq!(door.get("/_ui", "").headers[header::LOCATION], "/sign-in?next=/_ui");
    let gallery = door.get("/_ui", &door.sign_in("ada"));
    assert!(gallery.status == StatusCode::OK && gallery.headers.contains_key("content-security-policy"));
}

#[test]
fn the_metrics_tell_what_waits_and_who_is_connected() {
    let door = Door::new();
    let read = || {
        let told = door.api("GET", "/metrics", &door.token(), &Value::Null, &[]);
        assert_eq!(told.status, StatusCode::OK, "{}", told.body);
        let of = |name: &str| {
            let line = told.body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
            line.unwrap_or_else(|| panic!("{name} is missing: {}", told.body)).parse::<i64>().unwrap()
        };
        for name in ["mainstay_dead_letters", "mainstay_agents_connected", "mainstay_held", "mainstay_jobs_due"] {
            assert_eq!(of(name), 0, "{name}");
        }
        assert!(of("process_resident_memory_bytes") > 1_000_000 && of("mainstay_uptime_seconds") >= 0);
        (of("mainstay_relay_lag_events"), of("mainstay_jobs_waiting"))
    };
    door.house.world.settle().unwrap();
    let (events, jobs) = read();
    assert_eq!(events, 1, "the token that asks was made a moment ago");
    let later = |cx: &mut kernel::Cx| {
        cx.enqueue(&kernel::job::Job::new("kernel.clean", &Value::Null)?.at(cx.now.plus(kernel::time::DAY)))
    };
    door.house.world.kernel.write_as(kernel::Actor::os("root"), "test.later", later).unwrap();
    assert_eq!(read(), (2, jobs + 1));
}

#[test]
fn a_refused_form_comes_back_with_what_was_typed() {
    let door = Door::new();
    let cookie = door.sign_in("ada");
    let csrf = door.csrf(&cookie);
    let long = "a".repeat(500);
    let answer = door.post(
        "/do/desk.ticket.open",
        &cookie,
        &format!("kind=request&summary={long}&detail=keep+this&_csrf={csrf}"),
    );
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("keep this"), "the typed text is lost");
}

#[test]
fn a_refused_form_comes_back_on_the_page_it_was_sent_from() {
    let door = Door::new();
    let cookie = door.sign_in("ada");
    let csrf = door.csrf(&cookie);
    let form =
        format!("kind=tcp&asset=1&vantages=server&host=db-01&port=99999&name=Port+%3C5432%3E&max_ms=250&_csrf={csrf}");
    let from = |page: &str| door.post_from(page, "/do/monitor.check.create", &cookie, &form);
    let answer = from("http://localhost/monitoring/checks/new?kind=tcp");
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.body);
    for part in [
        ">New check</h1>",
        "Port &lt;5432&gt;",
        "value=\"db-01\"",
        "value=\"99999\"",
        "value=\"250\"",
        "aria-invalid=\"true\"",
    ] {
        assert!(answer.body.contains(part), "{part}: {}", answer.body);
    }
    let ticked = |value: &str| answer.body.contains(&format!("value=\"{value}\" checked"));
    assert!(ticked("server") && !ticked("own"), "the places are ticked as they were");
    // From nowhere, from a page without this form, and from one that is not there, it comes back on a page of its own.
    for page in ["", "/desk", "/no-such-page", "/do/x", ":::"] {
        let answer = from(page);
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
        assert!(answer.body.contains("Port &lt;5432&gt;"), "{page}");
    }
    assert!(from("/desk").body.contains(">Create check</h1>"));
}

#[test]
fn rest_answers_json_errors_with_the_field_and_repeats_by_key() {
    let door = Door::new();
    let token = door.token();
    let open = json!({"kind": "request", "summary": "From the API"});
    let first = door.api("POST", "/api/v1/desk/tickets", &token, &open, &[("idempotency-key", "k1")]);
    assert_eq!(first.status, StatusCode::OK, "{}", first.body);
    let again = door.api("POST", "/api/v1/desk/tickets", &token, &open, &[("idempotency-key", "k1")]);
    assert_eq!((again.body, again.headers.contains_key("mainstay-replayed")), (first.body, true));
    let dry = door.api("POST", "/api/v1/desk/tickets", &token, &open, &[("mainstay-dry-run", "1")]);
    assert!(dry.body.contains("\"dry_run\":true"), "{}", dry.body);
    let wrong = door.api("POST", "/api/v1/desk/tickets", &token, &json!({"summary": 5}), &[]);
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let error: Value = serde_json::from_str(&wrong.body).unwrap();
    assert!(error["error"]["field"].is_string(), "{error}");
    assert_eq!(
        door.api("GET", "/api/v1/desk/tickets", "mst_wrong", &Value::Null, &[]).status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(door.api("GET", "/api/v1/nothing", &token, &Value::Null, &[]).status, StatusCode::NOT_FOUND);
    assert_eq!(
        door.api("POST", "/api/v1/desk/tickets", &token, &json!([1]), &[]).status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

#[test]
fn oversized_bodies_strange_hosts_and_paths_outside_are_refused() {
    let door = Door::new();
    let token = door.token();
    let big = json!({"kind": "request", "summary": "x", "detail": "a".repeat(5 * 1024 * 1024)});
    assert_eq!(door.api("POST", "/api/v1/desk/tickets", &token, &big, &[]).status, StatusCode::PAYLOAD_TOO_LARGE);
    let rebound = Request::get("/").header("host", "evil.example:7300").body(Body::empty()).unwrap();
    assert_eq!(door.send(rebound).status, StatusCode::MISDIRECTED_REQUEST);
    for path in ["/_static/../../etc/passwd", "/_static/%2e%2e/%2e%2e/etc/passwd", "/_static//etc/passwd"] {
        assert_eq!(door.get(path, "").status, StatusCode::NOT_FOUND, "{path}");
    }
    let cookie = door.sign_in("ada");
    let away = door.post(
        "/do/desk.ticket.open",
        &cookie,
        &format!("kind=request&summary=x&_back=https://evil.example/&_csrf={}", door.csrf(&cookie)),
    );
    assert_eq!(away.headers[header::LOCATION], "/");
}

#[test]
fn every_answer_carries_the_headers_that_protect_the_reader() {
    let door = Door::new();
    let page = door.get("/sign-in", "");
    assert_eq!(page.status, StatusCode::OK);
    let text = |name: &str| page.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    assert!(text("content-security-policy").starts_with("default-src 'self'"));
    assert_eq!((text("x-content-type-options"), text("x-frame-options")), ("nosniff".into(), "DENY".into()));
    assert!(!page.body.contains("<script>") && !page.body.contains(" style="));
}

#[test]
fn openapi_describes_every_operation() {
    let door = Door::new();
    let answer = door.get("/api/v1/openapi.json", "");
    let document: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    for entry in door.house.world.kernel.registry().operations() {
        let found =
            &document["paths"][format!("/api/v1{}", entry.route.path)][entry.route.method.as_str().to_lowercase()];
        assert_eq!(found["operationId"], entry.name);
        assert!(found["summary"].as_str().is_some_and(|text| text.len() > 8), "{} says nothing of itself", entry.name);
    }
}

#[test]
fn strangers_sign_in_at_the_doors_made_for_it_only() {
    let door = Door::new();
    let input = format!("login=ada&password={}", PASSWORD.replace(' ', "+"));
    let by_form = door.post("/do/people.session.sign-in", "", &input);
    assert!(by_form.status == StatusCode::NOT_FOUND && !by_form.body.contains("token"), "{}", by_form.body);
    let by_bulk = door.post("/_bulk", "", &format!("op=people.session.sign-in&ref=user:1&{input}"));
    assert_eq!(by_bulk.status, StatusCode::NOT_FOUND, "{}", by_bulk.body);
}

#[test]
fn a_form_with_more_fields_than_any_of_ours_is_refused() {
    let door = Door::new();
    let many = "a&".repeat(2_000_000);
    assert_eq!(door.post("/sign-in", "", &many).status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(door.post("/do/desk.ticket.open", "", &many).status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(door.post("/_bulk", "", &many).status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[test]
fn what_is_mainly_about_something_hidden_is_not_told_on_home() {
    let door = Door::new();
    let os = kernel::Actor::os("root");
    let other = json!({"name": "Human resources", "slug": "hr"});
    let other = door.house.call(&os, "people.team.create", other)["id"].clone();
    let secret = json!({"kind": "request", "summary": "Dismissal of Mr Quux", "requester": 1, "team": other});
    let ticket = door.house.call(&os, "desk.ticket.open", secret)["id"].as_i64().unwrap();
    let team = door.house.world.kernel.db.read(people::default_team).unwrap();
    let asset = json!({"name": "laptop-7", "kind": "laptop", "team": team});
    let asset = door.house.call(&os, "assets.thing.create", asset)["ref"].clone();
    let link = json!({"id": ticket, "to": asset});
    door.house.call(&os, "desk.ticket.link", link);
    door.house.world.settle().unwrap();
    let technician = door.house.people["technician"].clone();
    let told = door.house.world.kernel.read_as(&technician, |cx| {
        let events = cx.latest_events(200)?;
        cx.readable(None, events)
    });
    let told: Vec<String> = told.unwrap().into_iter().map(|event| event.title).collect();
    assert!(told.iter().any(|title| title.contains("laptop-7")), "{told:?}");
    assert!(!told.iter().any(|title| title.contains("Quux")), "{told:?}");
}
