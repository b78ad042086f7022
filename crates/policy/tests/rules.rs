//! How rules are put together.

use openai_codex_policy::{Command, Rule, Shell};

fn allows(rule: &Rule, script: &str) -> bool {
    rule.allows(&Command::new(Some(Shell::Bash), script, "/"))
}

#[test]
fn each_command_of_a_list_is_judged() {
    let rule = Rule::any_of([Rule::read_only(), Rule::words(["make", "*"])]);
    assert!(allows(&rule, "make x"));
    assert!(!allows(&rule, "make x; make y"));
    let rule = rule.and_lists();
    for script in [
        "make x",
        "make x; ls",
        "ls | head",
        "ls && make y || pwd",
        "ls; ls; ls",
    ] {
        assert!(allows(&rule, script), "{script}");
    }
    for script in [
        "rm x",
        "rm x; ls",
        "ls; rm x",
        "ls | sh",
        "ls && rm x",
        "false || rm x",
    ] {
        assert!(!allows(&rule, script), "{script}");
    }
    // Alone, a change of folder is a command like any other.
    assert!(!allows(&rule, "cd /"));
    assert!(!allows(&rule, "cd / && rm x"));
    #[cfg(unix)]
    assert!(allows(&rule, "cd / && ls"));
}

#[test]
fn options_can_be_taken_from_a_rule() {
    let rule = Rule::program("sort").without_options(["-o", "--output", "--compress-program"]);
    assert!(allows(&rule, "sort -rn x"));
    for script in [
        "sort -o x",
        "sort -rnox",
        "sort --o x",
        "sort --compress-p=./evil x",
    ] {
        assert!(!allows(&rule, script), "{script}");
    }
    let rule = rule.or(Rule::read_only()).and_lists();
    assert!(allows(&rule, "ls | sort -r"));
    assert!(!allows(&rule, "ls | sort -o x"));
    let rule = Rule::read_only().and_lists().without_options(["-l"]);
    assert!(allows(&rule, "ls -a; ls"));
    assert!(!allows(&rule, "ls -a; ls -al"));
}

#[test]
fn what_is_put_to_a_rule_for_lists_judges_each_command() {
    let lists = || Rule::read_only().and_lists();
    let quick = || Rule::test(|it| it.arguments().is_empty());
    for rule in [lists().and(quick()), quick().and(lists())] {
        assert!(allows(&rule, "ls; pwd"));
        assert!(!allows(&rule, "ls; pwd x"));
        assert!(!allows(&rule, "ls x; pwd"));
    }
    // Either of them allows all of it, or neither does.
    let rule = lists().or(Rule::words(["make"]));
    assert!(allows(&rule, "make"));
    assert!(!allows(&rule, "ls; make"));
    assert!(!allows(&rule, "make; make"));
    let rule = Rule::words(["make"]).or(lists()).and(quick());
    assert!(!allows(&rule, "ls; make"));
    assert!(!allows(&Rule::any_of([]), "ls"));
}
