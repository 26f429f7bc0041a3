//! Forms: links to them open for whoever sees the link, people can be typed, and what strangers send is not believed.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;

use crate::house::PASSWORD;
use crate::http::Door;

/// The forms that a page links to.
fn links(body: &str) -> BTreeSet<String> {
    let rest = body.split("href=\"/do/").skip(1);
    rest.filter_map(|rest| rest.split('"').next()).map(|rest| format!("/do/{}", rest.replace("&amp;", "&"))).collect()
}

#[test]
fn every_form_that_a_page_links_to_opens_for_who_sees_the_link() {
    let door = Door::new();
    let (_, site) = mainstay::domains::split();
    let paths: Vec<&str> = site.pages.iter().map(|page| page.path).filter(|path| !path.contains('{')).collect();
    let mut seen = 0;
    for role in door.house.people.keys() {
        let login = if role == "administrator" { "ada".to_owned() } else { format!("a-{role}") };
        let cookie = door.sign_in(&login);
        let pages = paths.iter().map(|path| door.get(path, &cookie)).filter(|page| page.status == StatusCode::OK);
        let forms: BTreeSet<String> = pages.flat_map(|page| links(&page.body)).collect();
        assert!(forms.iter().any(|form| form.starts_with("/do/people.token.create")), "{role}: {forms:?}");
        for form in &forms {
            let answer = door.get(form, &cookie);
            assert_eq!(answer.status, StatusCode::OK, "{role} {form}");
        }
        seen += forms.len();
    }
    assert!(seen > door.house.people.len(), "more than the one link that everybody has");
}

#[test]
fn a_person_can_be_typed_by_login_or_name_and_a_wrong_one_comes_back() {
    let door = Door::new();
    let cookie = door.sign_in("ada");
    let csrf = door.csrf(&cookie);
    let add = |name: &str, owner: &str| {
        let form = format!("name={name}&kind=server&owner={owner}&_person=owner&_back=/assets/{{id}}&_csrf={csrf}");
        door.post("/do/assets.thing.create", &cookie, &form)
    };
    let owner_of = |number: i64| {
        let shown = door.house.call(&door.house.admin(), "assets.thing.show", json!({ "id": number }));
        shown["owner_name"].as_str().unwrap_or_default().to_owned()
    };
    for (number, (owner, name)) in
        (1..).zip([("a-technician", "A technician"), ("A+lead+(a-lead)", "A lead"), ("a+lead", ""), ("", "")])
    {
        let answer = add(&format!("srv-{number}"), owner);
        if owner == "a+lead" {
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.body);
            assert!(
                answer.body.contains("Nobody is called") && answer.body.contains("value=\"a lead\""),
                "{}",
                answer.body
            );
            assert!(answer.body.contains("name=\"_person\" value=\"owner\""), "it can be sent again: {}", answer.body);
            assert_eq!(add(&format!("srv-{number}"), "A+lead").status, StatusCode::SEE_OTHER);
            assert_eq!(owner_of(number), "A lead");
        } else {
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
            assert_eq!(owner_of(number), name, "{owner}");
        }
    }
    let bulk =
        format!("op=assets.thing.assign&ref=asset:4&owner=a-auditor&_person=owner&_apply=1&_back=/assets&_csrf={csrf}");
    assert_eq!(door.post("/_bulk", &cookie, &bulk).status, StatusCode::SEE_OTHER);
    assert_eq!(owner_of(4), "A auditor");
}

#[test]
fn the_network_of_a_sign_in_is_what_the_server_knows_and_not_what_was_sent() {
    let door = Door::new();
    let input = json!({ "login": "ada", "password": PASSWORD, "source": "192.0.2.7" });
    let request =
        Request::post("/api/v1/people/sessions").header("host", "localhost").header("content-type", "application/json");
    let answer = door.send(request.body(Body::from(input.to_string())).unwrap());
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let known = |tx: &mut kernel::db::Tx<'_>| tx.query("SELECT source FROM people_known_sources", &[]);
    let known = door.house.world.kernel.db.read(known).unwrap();
    assert_eq!(known.iter().map(|row| row.text(0).unwrap()).collect::<Vec<_>>(), [""]);
}

/// The mark of the form of a page in which a text stands.
fn mark_of(page: &str, within: &str) -> String {
    let form = page.split("<form").find(|form| form.contains(within)).unwrap();
    form.split("name=\"_form\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[test]
fn a_secret_does_not_come_back_on_the_page_of_a_refused_form() {
    let door = Door::new();
    let cookie = door.sign_in("ada");
    let csrf = door.csrf(&cookie);
    let refused = |page: &str, operation: &str, fields: &str| {
        let from = format!("http://localhost{page}");
        let answer = door.post_from(&from, &format!("/do/{operation}"), &cookie, &format!("{fields}&_csrf={csrf}"));
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.body);
        answer.body
    };
    let url = "kind=slack&name=Kept+%3Cname%3E&url=ftp%3A%2F%2Fhooks.example%2FT0KEN";
    let body = refused("/on-call/channels/new?kind=slack", "paging.channel.save", url);
    assert!(body.contains("Kept &lt;name&gt;") && body.contains("action=\"/do/paging.channel.save\""), "{body}");
    assert!(!body.contains("T0KEN"), "{body}");
    let text = "text=scrape_configs%3A+%5B%7Bpassword%3A+s3cret-of-it";
    let body = refused("/monitoring/scrapes/import", "monitor.scrape.import", text);
    assert!(body.contains("Import scrape jobs</h1>") && !body.contains("s3cret-of-it"), "{body}");
    // Texts of several lines are for who typed them.
    let request = "kind=http&asset=1&vantages=server&url=nowhere&body=typed+in+lines&name=Web";
    let body = refused("/monitoring/checks/new?kind=http", "monitor.check.create", request);
    assert!(body.contains("typed in lines"), "{body}");
}

#[test]
fn of_two_forms_of_a_page_that_go_to_one_operation_only_the_one_that_was_sent_comes_back_filled() {
    let door = Door::new();
    let cookie = door.sign_in("ada");
    let csrf = door.csrf(&cookie);
    let page = door.get("/me", &cookie).body;
    let (profile, password) = (mark_of(&page, "name=\"email\""), mark_of(&page, "name=\"new_password\""));
    assert_ne!(profile, password);
    let send = |mark: &str, fields: &str| {
        let form = format!("{fields}&_form={mark}&_csrf={csrf}&_back=/me");
        door.post_from("http://localhost/me", "/do/people.me.update", &cookie, &form).body
    };
    let again = |body: &str, within: &str| {
        let form = body.split("<form").find(|form| form.contains(within)).unwrap().to_owned();
        form.contains("data-again")
    };
    let body = send(&password, "current_password=wrong&new_password=short");
    assert!(again(&body, "name=\"new_password\"") && !again(&body, "name=\"email\""), "{body}");
    let body = send(&profile, "name=Ada&email=ada&zone=Nowhere&locale=en");
    assert!(again(&body, "name=\"email\"") && !again(&body, "name=\"new_password\""), "{body}");
}
