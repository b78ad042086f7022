//! Each method is decided about in `schema/methods.toml`, and what is wrong there is told with its
//! place.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::json;
use support::{Other, Tree};

const FILE: &str = "schema/methods.toml";

/// Changes the file of the pin, and wants a refusal that says all of this.
#[track_caller]
fn refused(from: &str, to: &str, said: &[&str]) {
    let tree = Tree::copy();
    tree.edit(FILE, |text| {
        assert!(text.contains(from), "no `{from}`");
        text.replacen(from, to, 1)
    });
    tree.generate(&["--check"]).failed_saying(said);
}

/// The line that the file of the checkout has this in.
fn line_of(text: &str) -> String {
    let file = std::fs::read_to_string(support::checkout().join(FILE)).unwrap();
    let line = file.lines().position(|line| line.contains(text)).unwrap() + 1;
    format!("{FILE}:{line}:")
}

#[test]
fn a_method_that_is_not_decided_is_told_with_the_entry_to_paste() {
    // The line below which the lost one stood is the one that it was in, less one.
    refused(
        "\"thread/read\" = { effect = \"reads\" }\n",
        "",
        &[
            &line_of("\"thread/queue/update\" = "),
            "below `thread/queue/update`, nothing is decided about `thread/read`",
            r#""thread/read" = { effect = "changes" }"#,
        ],
    );
    refused(
        "\"turn/plan/updated\" = { tier = \"best-effort\" }\n",
        "",
        &[
            "below `turn/moderationMetadata`",
            r#""turn/plan/updated" = { tier = "best-effort" }"#,
        ],
    );
    refused(
        "\"currentTime/read\" = { refusal = \"error\" }\n",
        "",
        &[
            "schema/methods.toml: under [server-requests]",
            r#""currentTime/read" = { refusal = "error" }"#,
        ],
    );
}

#[test]
fn an_entry_whose_method_is_gone_is_told_with_its_line() {
    let place = line_of("\"turn/start\" = ");
    refused(
        "\"turn/start\" = ",
        "\"turn/begin\" = ",
        &[
            &format!("{place} `turn/begin` is not in the schema any more; remove its entry"),
            "nothing is decided about `turn/start`",
        ],
    );
}

#[test]
fn what_is_unknown_in_the_file_is_told_with_its_place() {
    for (from, to, said) in [
        ("urgent = true", "urgend = true", "urgend"),
        ("urgent = true", "urgent = \"yes\"", "yes"),
        ("effect = \"reads\"", "effect = \"writes\"", "writes"),
        ("{ effect = \"reads\" }", "{ }", "effect"),
        ("tier = \"lossless\"", "tier = \"lossy\"", "lossy"),
        (
            "role = \"turn-start\"",
            "role = \"turn-begin\"",
            "turn-begin",
        ),
        ("[notifications]", "[notification]", "notification"),
        ("refusal = \"error\"", "refusal = \"[]\"", "JSON object"),
        (
            "'{\"action\":\"decline\"}'",
            "'{\"action\":decline}'",
            "neither JSON",
        ),
    ] {
        refused(from, to, &[FILE, "at line ", said]);
    }
    refused(
        "\"turn/start\" = ",
        "\"turn/steer\" = ",
        &[FILE, "at line ", "duplicate"],
    );
}

#[test]
fn a_role_is_given_once_and_to_a_method_of_its_kind() {
    refused(
        "\"turn/steer\" = { effect = \"changes\"",
        "\"turn/steer\" = { effect = \"changes\", role = \"turn-interrupt\"",
        &[
            &line_of("\"turn/steer\" = "),
            "the role `turn-interrupt` is given in line",
        ],
    );
    refused(
        ", role = \"turn-start\"",
        "",
        &[FILE, "no method has the role `turn-start`"],
    );
    refused(
        "role = \"turn-start\"",
        "role = \"turn-started\"",
        &[
            &line_of("\"turn/start\" = "),
            "the role `turn-started` is for a notification",
        ],
    );
}

#[test]
fn a_method_with_a_secret_must_be_marked() {
    for method in ["environment/add", "userVerification/verify"] {
        let tree = Tree::copy();
        tree.edit(FILE, |text| {
            let at = text.find(&format!("\"{method}\"")).unwrap();
            let (before, rest) = text.split_at(at);
            before.to_owned() + &rest.replacen(", secret = true", "", 1)
        });
        let place = line_of(&format!("\"{method}\" = "));
        tree.generate(&["--check"]).failed_saying(&[
            &place,
            &format!("`{method}` has a member that is a secret; add: secret = true"),
        ]);
    }
}

#[test]
fn another_runtimes_methods_get_the_careful_value() {
    let mut other = Other::pinned();
    *other.definition("MoonPhaseParams") = json!({"type": "object", "properties": {}});
    *other.definition("MoonPhaseResponse") = json!({"type": "object", "properties": {}});
    other.add_message("ClientRequest", "moon/phase", "MoonPhaseParams");
    other.add_message("ServerRequest", "moon/ask", "MoonAskParams");
    *other.definition("MoonAskParams") = json!({"type": "object", "properties": {}});
    *other.definition("MoonAskResponse") = json!({"type": "object", "properties": {}});
    let messages = other.messages("ServerNotification");
    messages.retain(|it| it["properties"]["method"]["enum"][0] != "turn/plan/updated");
    let said = other
        .generate(&["--lenient-fixups", "--runtime-version", "0.170.0"])
        .succeeded();
    for part in [
        "nothing is decided about `moon/phase`",
        "nothing is decided about `moon/ask`",
        "`turn/plan/updated` is not in the schema any more",
    ] {
        assert!(said.contains(part), "no `{part}` in: {said}");
    }
    let generated = other.generated();
    let squeezed: String = generated.split_whitespace().collect();
    for part in [
        r#"MethodSpec::new("moon/phase","MoonPhaseParams","MoonPhaseResponse").experimental().secret().since("0.170.0"),"#,
        r#"ServerRequestSpec::new("moon/ask","MoonAskParams","MoonAskResponse").experimental().secret().since("0.170.0"),"#,
    ] {
        assert!(squeezed.contains(part), "no `{part}`");
    }
}

#[test]
fn since_comes_from_the_exports_that_are_older() {
    let said = |version: &str| {
        let other = Other::pinned();
        let report = other.generate(&["--runtime-version", version]).succeeded();
        let text: String = other.generated().split_whitespace().collect();
        (report, text)
    };
    // As of 0.150.0 nothing older than 0.144.4 is known to have what that lacks.
    let (_, text) = said("0.150.0");
    assert!(text.contains(r#"MemberSpec::new("toolOutput","0.150.0")"#));
    assert!(text.contains(r#"MemberSpec::new("additionalContext","0.144.4")"#));
    let (_, text) = said("0.133.0");
    assert!(!text.contains("MemberSpec::new") && !text.contains(".since("));
    let (report, text) = said("unknown");
    assert!(report.contains("`unknown` is no version"), "{report}");
    assert!(!text.contains(".since("));
}
