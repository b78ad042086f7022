//! Programs that only read, and which of their words are names of files.

mod arguments;
mod find;
mod programs;
mod sed;

pub(crate) use self::arguments::{Operands, Program};
use crate::CommandLine;
use crate::options::may_be;

/// Programs that write nothing and start nothing, whatever their arguments are.
const READERS: &[&str] = &[
    "basename", "cat", "cut", "dirname", "echo", "expr", "false", "grep", "head", "id", "ls", "nl",
    "paste", "pwd", "readlink", "realpath", "rev", "seq", "stat", "tail", "tr", "true", "uname",
    "wc", "whoami",
];

/// How a program takes one of its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Argument {
    /// It may be the name of a file, or have one in it.
    Path,
    /// It is an option, a number, a pattern or another text, and no file of that name
    /// is read.
    Text,
}

/// Whether a command can only read.
pub(crate) fn only_reads(command: &CommandLine) -> bool {
    READERS.contains(&command.program()) || understood(command).is_some()
}

/// How each argument of a command is taken: as the name of a file, unless it is sure
/// that it is none.
pub(crate) fn arguments(command: &CommandLine) -> Vec<Argument> {
    let count = command.arguments().len();
    understood(command).unwrap_or_else(|| vec![Argument::Path; count])
}

/// Whether a command follows links in folders that it walks, or takes the names of
/// files out of one.
pub(crate) fn leaves_its_arguments(command: &CommandLine) -> bool {
    let options: &[&str] = match command.program() {
        "grep" | "egrep" | "fgrep" => &["-R", "-S", "--dereference-recursive"],
        "ls" => &["-L", "--dereference"],
        "wc" => &["--files0-from"],
        _ => &[],
    };
    let mut words = command.arguments().iter();
    words.any(|word| options.iter().any(|option| may_be(word, option)))
}

/// How the arguments are taken by a program that is known and does no more with them
/// than to read.
fn understood(command: &CommandLine) -> Option<Vec<Argument>> {
    let words: Vec<_> = command.words().collect();
    let taken = match command.program() {
        "find" => find::arguments(&words),
        "sed" => sed::arguments(&words),
        name => programs::named(name)?.arguments(&words),
    }?;
    // `@x` may be a file that more arguments are read from, wherever it stands.
    let mut paths = (words.iter().zip(&taken)).filter(|(_, taken)| **taken == Argument::Path);
    let has_list = paths.any(|((word, _), _)| word.starts_with('@'));
    (!has_list).then_some(taken)
}

#[cfg(test)]
mod tests {
    use crate::{Command, Rule, Shell};

    fn command(script: &str) -> Command {
        Command::new(Some(Shell::Bash), script, "/")
    }

    #[test]
    fn known_programs_are_allowed_with_the_options_that_read() {
        for script in [
            "rg -n foo src",
            "rg --files -g '*.rs'",
            "rg -e foo --type=rust -A3 src",
            "find . -name '*.rs' -type f",
            "find src tests -not -path '*/target/*' -print0",
            "find . \\( -name a -o -name b \\) -maxdepth 2",
            "sed -n '1,80p' src/lib.rs",
            "sed -n 5p a",
            "sed -n -E '10,$p;3,+4p' a b",
            "sort -rn -k2,2 -t: a",
            "uniq -c a",
            "date +%s",
            "tree -L 2 src",
            "du -sh src",
            "which cargo",
        ] {
            assert!(Rule::read_only().allows(&command(script)), "{script}");
        }
        for script in [
            "rg --pre ./evil foo",
            "rg --pre=./evil foo",
            "rg --hostname-bin ./evil foo",
            "rg -z foo",
            "rg --search-zip foo",
            "rg -L foo",
            "rg --follow foo",
            "rg -f x",
            "rg foo --pre ./evil",
            "rg -nL foo",
            "find . -delete",
            "find . -exec rm {} +",
            "find . -execdir rm '{}' \\;",
            "find . -ok rm '{}' \\;",
            "find . -fprint x",
            "find . -fls x",
            "find -L . -name a",
            "find . -follow",
            "find . -name",
            "find . -files0-from x",
            "sed -n '1w x' a",
            "sed -n '1e' a",
            "sed -n 's/a/b/p' a",
            "sed -n '/a/p' a",
            "sed -n '1,80p' a -i",
            "sed -n -i '1p' a",
            "sed -ni '1p' a",
            "sed -i 5p a",
            "sed 5p a",
            "sed -n -f x a",
            "sed -n '1r x' a",
            "sed -n 'p;w x' a",
            "sed -n",
            "sort -o x a",
            "sort -no x a",
            "sort --compress-program=./evil a",
            "sort -T x a",
            "sort --files0-from=x",
            "uniq a b",
            // It may stand for a file and the one to write to.
            "uniq src/a*",
            "uniq -c ./*",
            "uniq -- a?",
            "cmp a b*",
            "date -s 12:00",
            "date 01010000",
            "tree -o x",
            "tree -R",
            "tree -l",
            "file -C",
            "awk 1 a",
            "xargs rm",
            "tee a",
            "env ls",
            "diff -r a b",
        ] {
            assert!(!Rule::read_only().allows(&command(script)), "{script}");
        }
    }

    #[test]
    fn patterns_are_told_from_names_of_files() {
        let home = tempfile::tempdir().unwrap();
        let rule = Rule::read_only().and(Rule::inside(home.path()));
        let allows = |script: &str| {
            let cwd = home.path().to_str().unwrap();
            rule.allows(&Command::new(Some(Shell::Bash), script, cwd))
        };
        for script in [
            "grep \"/api/v1\" src",
            "grep -rn \"https://x\" src",
            "grep -e /x -e /y src",
            "rg '@media' src",
            "rg '/etc/passwd' src",
            "rg -g '/src/*.rs' x",
            "find . -path '/etc/*'",
            "cut -d/ -f2 a",
            "tr / _",
            "echo /etc/passwd",
            "basename /etc/passwd",
            "sed -n '1,5p' a",
        ] {
            assert!(allows(script), "{script}");
        }
        for script in [
            "grep x /etc/passwd",
            "grep -e x /etc/passwd",
            "grep /etc/passwd -e x",
            "grep -f /etc/passwd x",
            "grep --file=/etc/passwd x",
            "grep x a -e /etc/passwd",
            // On some systems, the number is not a word of its own.
            "grep -C /etc/passwd x",
            "ls -I /etc",
            "grep -- x /etc/passwd",
            "rg --files /etc",
            "rg x /etc",
            "rg -e x /etc",
            "find /etc -name x",
            "find . -newer /etc/passwd",
            "sed -n 1p /etc/passwd",
            "sort /etc/passwd",
            "cut -d: -f1 /etc/passwd",
            // Options are read out of it, and other files by them.
            "strings @list",
            "strings -n @list a",
            "strings -- @list",
            "sort '@list'",
            "grep -R x .",
            "grep -nR x .",
            "grep --dereference-rec x .",
            "ls -LR",
            "wc --files0-from=list",
        ] {
            assert!(!allows(script), "{script}");
        }
    }
}
