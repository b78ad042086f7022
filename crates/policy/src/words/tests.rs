use super::*;

/// What bash, sh and zsh take for the words, `-` where it is not sure.
#[track_caller]
fn reads(line: &str, expected: [&str; 3]) {
    let shells = [Shell::Bash, Shell::Sh, Shell::Zsh];
    for (shell, expected) in shells.into_iter().zip(expected) {
        let words = tokens_on(false, line, Some(shell)).map(|tokens| {
            let words = tokens.into_iter().map(|token| match token {
                Token::Word(word) if word.is_pattern => format!("<{}>", word.text),
                Token::Word(word) => word.text,
                token => format!("{token:?}"),
            });
            words.collect::<Vec<_>>().join("|")
        });
        let words = words.unwrap_or_else(|| "-".to_owned());
        assert_eq!(words, expected, "{shell:?} {line:?}");
    }
}

#[test]
fn each_shell_reads_in_its_way() {
    // The path of a program, or a part of a word.
    reads("''=ls", ["-"; 3]);
    reads("\"\"=ls", ["-"; 3]);
    reads("''''=ls", ["-"; 3]);
    reads("--file==ls", ["--file==ls", "-", "-"]);
    reads("--file=a:=ls", ["--file=a:=ls", "-", "-"]);
    reads("--file=ls", ["--file=ls"; 3]);
    reads("'=ls'", ["=ls"; 3]);
    // An assignment, or a word.
    reads("PATH=.", ["-", "-", "PATH=."]);
    reads("a_1+=x", ["-", "-", "a_1+=x"]);
    reads("é=x", ["-", "-", "é=x"]);
    reads("'A=b'", ["A=b"; 3]);
    reads("A'=b'", ["A=b"; 3]);
    reads("'A'=b", ["A=b"; 3]);
    reads("1=b", ["1=b"; 3]);
    // A quote of the text, or the end of the text and another beginning.
    reads("'a''b'", ["ab", "-", "-"]);
    reads("'a'\\''b'", ["a'b"; 3]);
    reads("\"a\\\"b\"", ["a\"b", "a\"b", "-"]);
    reads("HEAD~1", ["HEAD~1", "HEAD~1", "-"]);
    reads("HEAD^^", ["HEAD^^", "-", "-"]);
    reads("a=~", ["-"; 3]);
    reads("--a=~", ["-"; 3]);
    reads("~", ["-"; 3]);
}

#[test]
fn what_is_escaped_is_plain() {
    reads("\\( a\\ b \\;", ["(|a b|;"; 3]);
    reads("\\a", ["-"; 3]);
    reads("\\", ["-"; 3]);
    reads("\\=ls", ["-"; 3]);
    reads("\"a\\|b\\.c\"", ["a\\|b\\.c"; 3]);
    reads("\"a\\", ["-"; 3]);
    reads("\"a\\!b\"", ["-"; 3]);
    reads("\"a$\"", ["a$"; 3]);
    reads("\"$\"a\"\"", ["$a"; 3]);
    reads("\"a$b\"", ["-"; 3]);
    reads("a$", ["-"; 3]);
}

#[test]
fn redirections_that_touch_no_file_are_understood() {
    for line in [
        "a 2>/dev/null",
        "a 2> /dev/null",
        "a 2>>/dev/null",
        "a >/dev/null",
        "a 1>/dev/null 2>&1",
        "a 2>&1 >/dev/null",
        "a >&2",
        "a 1>&2",
        "a </dev/null",
        "a 0< /dev/null",
        "a>/dev/null",
        "a 2>/dev/null b",
    ] {
        let tokens = tokens(line, Some(Shell::Sh)).unwrap_or_default();
        let is_last = |token: &&Token| matches!(token, Token::Redirection(_));
        assert!(
            tokens.iter().any(|token| is_last(&token)),
            "{line}: {tokens:?}"
        );
    }
    reads(
        "a &>/dev/null",
        [
            "a|Redirection(DropsOutput)",
            "-",
            "a|Redirection(DropsOutput)",
        ],
    );
    for line in [
        "a >x",
        "a > x",
        "a >>x",
        "a <x",
        "a <<x",
        "a <<<x",
        "a >|/dev/null",
        "a <>/dev/null",
        "a >/dev/nullx",
        "a >/dev/null/../x",
        "a >'/dev/null'x",
        "a >/dev/null'x'",
        "a >/dev/null>x",
        "a >//dev/null",
        "a >/dev/tty",
        "a >&x",
        "a >&",
        "a >&-",
        "a 2>&-",
        "a 2>&3",
        "a 2>&1x",
        "a 2>&11",
        "a 3>/dev/null",
        "a 12>/dev/null",
        "a 1</dev/null",
        "a 12</dev/null",
        "a <&1",
        "a >(b)",
        "a <(b)",
        "a &>x",
        "a &>&1",
        "a {fd}>/dev/null",
        "a 2>$x",
    ] {
        reads(line, ["-"; 3]);
    }
    // A word and a redirection, and not a descriptor.
    reads("a b2>/dev/null", ["a|b2|Redirection(DropsOutput)"; 3]);
    reads("a '2'>/dev/null", ["a|2|Redirection(DropsOutput)"; 3]);
    reads("a 2 >/dev/null", ["a|2|Redirection(DropsOutput)"; 3]);
}

#[test]
fn backslashes_of_windows_are_read_in_both_ways() {
    let read = |line| {
        let tokens = tokens_on(true, line, Some(Shell::Bash))?;
        tokens
            .into_iter()
            .map(|token| match token {
                Token::Word(word) => Some((word.text, word.with_backslashes)),
                _ => None,
            })
            .collect::<Option<Vec<_>>>()
    };
    let word = |text: &str, other: Option<&str>| (text.to_owned(), other.map(str::to_owned));
    assert_eq!(
        read(r"cat C:\a\.b/c 'C:\a'").unwrap(),
        [
            word("cat", None),
            word("C:a.b/c", Some(r"C:\a\.b/c")),
            word(r"C:\a", None),
        ]
    );
    assert_eq!(
        read(r"cat --x=C:\a").unwrap()[1],
        word("--x=C:a", Some(r"--x=C:\a"))
    );
    assert_eq!(
        read(r"cat C:\$x"),
        Some(vec![word("cat", None), word("C:$x", Some(r"C:\$x"))])
    );
    assert_eq!(read("cat C:\\\n"), None);
    assert_eq!(tokens_on(false, r"cat C:\a", Some(Shell::Bash)), None);
}

#[test]
fn patterns_are_told_from_words() {
    reads("wc src/*.rs", ["wc|<src/*.rs>"; 3]);
    reads("a 'src/*.rs'", ["a|src/*.rs"; 3]);
    reads("a src/\\*.rs", ["a|src/*.rs"; 3]);
    for line in [
        "a *",
        "a *.rs",
        "a ?",
        "a -*",
        "a @*",
        "a --x=*",
        "a 'src'/*",
        "a src/\"a\"*",
        "a src/\\**",
        "a src/**",
        "a .*",
        "a src/.*",
        "a src/[a]",
        "a src/*(.)",
        "a ~/*",
    ] {
        reads(line, ["-"; 3]);
    }
    assert_eq!(words("a src/*"), None);
}

#[test]
fn letters_of_all_languages_are_letters() {
    reads("src/é.rs", ["src/é.rs"; 3]);
    reads("日本 ж", ["日本|ж"; 3]);
    // One of the bytes is a blank on some systems.
    reads("à", ["-"; 3]);
    for sign in [
        "\u{a0}", "\u{2003}", "\u{3000}", "\u{200b}", "\u{202e}", "\u{feff}", "−", "；", "´",
    ] {
        reads(&format!("a{sign}b"), ["-"; 3]);
    }
}
