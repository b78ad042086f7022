//! `Rule::git_read`: what it allows, where, and that nothing is started.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;

use openai_codex_policy::{Command, Rule, Shell};

/// A repository as `git init` makes it, in a folder that is removed in the end.
struct Project {
    home: tempfile::TempDir,
}

const CONFIG: &str = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n";

impl Project {
    fn new() -> Self {
        let project = Self {
            home: tempfile::tempdir().unwrap(),
        };
        project.make("project/.git", CONFIG);
        fs::create_dir_all(project.path("project/src")).unwrap();
        project
    }

    fn path(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }

    /// The folder of a repository.
    fn make(&self, path: &str, config: &str) {
        for folder in ["objects", "refs/heads", "hooks"] {
            fs::create_dir_all(self.path(path).join(folder)).unwrap();
        }
        fs::write(self.path(path).join("HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(self.path(path).join("config"), config).unwrap();
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(path), text).unwrap();
    }

    fn rule(&self) -> Rule {
        Rule::git_read().and(Rule::inside(self.path("project")))
    }

    fn allows(&self, rule: &Rule, script: &str, cwd: &str) -> bool {
        let cwd = self.path(cwd);
        rule.allows(&Command::new(
            Some(Shell::Bash),
            script,
            cwd.to_str().unwrap(),
        ))
    }
}

/// What is never shown in a pager.
const PLAIN: &[&str] = &[
    "git status",
    "git status -sb",
    "git status --porcelain=v1 -uno -- src",
    "git rev-parse HEAD",
    "git rev-parse --abbrev-ref HEAD",
    "git rev-parse --show-toplevel 2>/dev/null",
    "git ls-files",
    "git ls-files -m --exclude-standard src",
    "git ls-tree -r HEAD --name-only",
    "git describe --tags --always",
    "git merge-base main HEAD",
    "git remote -v",
    "git cat-file -p HEAD:src/a.rs",
    "git rev-list --count HEAD",
    "git -C src status",
];

const PAGED: &[&str] = &[
    "git diff",
    "git diff --stat",
    "git diff HEAD~1 -- src/a.rs",
    "git diff --cached --name-only",
    "git diff main...HEAD -U5",
    "git log",
    "git log --oneline -5",
    "git log -n 3",
    "git log --since='2 weeks ago' --author=me --format='%h %s' -- src",
    "git log -p -1",
    "git log -S foo --all",
    "git show",
    "git show HEAD --stat",
    "git show HEAD:src/a.rs",
    "git blame -L 1,20 src/a.rs",
    "git grep -n foo",
    "git branch",
    "git branch -a",
    "git branch --list 'feature/*'",
    "git branch --show-current",
    "git tag",
    "git tag --list 'v*'",
    "git branch --sort=-committerdate --format='%(refname:short) %(upstream:track)'",
    "git tag --list --sort=-version:refname --format='%(*objectname)%00%(subject)'",
    "git log --format='%Cred%h%Creset %C(auto)%d %<(20,trunc)%an%+b' --date=format:'%Y-%m-%d'",
    "git log --pretty='%gd: %gs %x09%(decorate)%%' --grep='100%'",
    "git grep -n '%G'",
    "git shortlog -sn HEAD",
];

#[test]
fn commands_that_read_are_allowed() {
    let project = Project::new();
    let (rule, unpaged) = (project.rule(), project.rule().without_pager());
    for script in PLAIN {
        assert!(project.allows(&rule, script, "project"), "{script}");
    }
    for script in PAGED {
        assert!(!project.allows(&rule, script, "project"), "{script}");
        assert!(project.allows(&unpaged, script, "project"), "{script}");
        let elsewhere = format!("{script} >/dev/null");
        assert!(project.allows(&rule, &elsewhere, "project"), "{script}");
        let to_error = format!("{script} >/dev/null >&2");
        assert!(!project.allows(&rule, &to_error, "project"), "{script}");
        for no_pager in ["--no-pager", "-P", "-c color.ui=never --no-pager"] {
            let script = script.replacen("git", &format!("git {no_pager}"), 1);
            assert!(project.allows(&rule, &script, "project"), "{script}");
        }
        let piped = Rule::any_of([rule.clone(), Rule::read_only()]).and_lists();
        let script = format!("{script} | head -n 20");
        assert!(project.allows(&piped, &script, "project"), "{script}");
    }
}

#[test]
fn everything_else_is_denied() {
    let project = Project::new();
    let rule = project.rule().without_pager();
    for script in [
        "git",
        "git log --output=x",
        "git log --output x",
        "git log --outp=x",
        "git diff -o x",
        "git diff --ext-diff",
        "git diff --textconv",
        "git diff --no-index a b",
        "git diff -O x",
        "git diff -O./x",
        "git diff -U --output=x",
        "git diff -U -O",
        "git log --show-signature",
        "git log --format='%h %G?'",
        "git log --pretty=format:%GK",
        "git log --format='%(describe)'",
        "git branch --format='%(signature)'",
        "git log --format='%+G?'",
        "git log --format='%-GK'",
        "git log --format='% G?'",
        "git log --format='%  +G?'",
        "git log --format='%h%%%+GK'",
        "git log --pretty='%+(describe)'",
        "git log --pretty='%-(describe:tags)'",
        "git log --format='%C(%G?)'",
        "git log --format='%(unknown)'",
        "git tag --list --format='%(*describe)'",
        "git branch --list --format '%(*signature:grade)'",
        "git branch --sort=describe",
        "git branch --sort=-describe:tags",
        "git branch --sort describe",
        "git branch --sort=*describe",
        "git branch --sort=signature:key",
        "git tag --list --sort=describe",
        "git grep -O foo",
        "git grep -Oevil foo",
        "git grep --open-files-in-pager=./evil foo",
        "git grep --open=./evil foo",
        "git grep -f /etc/passwd",
        "git grep --textconv foo",
        "git grep --no-index foo",
        "git grep --recurse-submodules foo",
        "git branch evil",
        "git branch -d main",
        "git branch -a evil",
        "git branch --contains evil other",
        "git branch --edit-description",
        "git branch -- evil --list",
        "git branch evil -- --list",
        "git branch --list -- evil",
        "git tag -- evil --list",
        "git tag evil -- --list",
        "git tag --list -- v1",
        "git tag evil",
        "git tag -d v1",
        "git tag -v v1",
        "git tag --sort=x evil",
        "git remote add x y",
        "git remote show origin",
        "git stash",
        "git config --get x",
        "git config core.pager ./evil",
        "git show --ext-diff",
        "git cat-file --textconv HEAD:a",
        "git cat-file --filters HEAD:a",
        "git blame --contents /etc/passwd a",
        "git ls-files --recurse-submodules",
        "git describe --dirty",
        "git rev-parse --parseopt",
        "git -c core.pager=./evil log",
        "git -c core.fsmonitor=./evil status",
        "git -c diff.external=./evil diff",
        "git -c alias.status='!./evil' status",
        "git --config-env=core.pager=X log",
        "git --exec-path=. log",
        "git --exec-path . log",
        "git --git-dir=x log",
        "git --git-dir x log",
        "git --work-tree=/ status",
        "git --namespace=x log",
        "git --bare log",
        "git -p log",
        "git --paginate status",
        "git -C / status",
        "git -C .. status",
        "git st",
        "git difftool",
        "git checkout .",
        "git fetch",
        "git commit -m x",
        "git diff-files --output=x",
        "git log src/*.rs --output=x",
        "git log /etc/passwd",
        "git log -- ../x",
        "/tmp/git status",
        "./git status",
        "GIT_EXTERNAL_DIFF=./evil git diff",
        "git diff > x",
        "git diff | sh",
    ] {
        assert!(!project.allows(&rule, script, "project"), "{script}");
    }
}

#[test]
fn only_a_repository_that_is_trusted_is_read() {
    let project = Project::new();
    project.make("project/nested/.git", CONFIG);
    project.make("project/bare", CONFIG);
    project.make("other/.git", CONFIG);
    fs::create_dir_all(project.path("none")).unwrap();
    let inside = project.rule();
    let trusting = Rule::git_read().trusting([project.path("project")]);
    let in_src = Rule::git_read().and(Rule::inside(project.path("project/src")));
    for (cwd, expected) in [
        ("project", true),
        ("project/src", true),
        ("project/nested", false),
        ("project/bare", false),
        ("project/bare/refs", false),
        ("project/.git", false),
        ("other", false),
        ("none", false),
    ] {
        assert_eq!(
            project.allows(&inside, "git status", cwd),
            expected,
            "{cwd}"
        );
        assert_eq!(
            project.allows(&trusting, "git status", cwd),
            expected,
            "{cwd}"
        );
        let is_src = cwd == "project/src";
        assert_eq!(project.allows(&in_src, "git status", cwd), is_src, "{cwd}");
        // Nobody said so.
        assert!(
            !project.allows(&Rule::git_read(), "git status", cwd),
            "{cwd}"
        );
    }
    // One of several rules says nothing about the others.
    let either = Rule::git_read().or(Rule::inside(project.path("other")));
    assert!(!project.allows(&either, "git status", "project"));
    for script in [
        "git -C nested status",
        "git -C bare status",
        "cd nested && git status",
    ] {
        assert!(
            !project.allows(&inside.clone().and_lists(), script, "project"),
            "{script}"
        );
    }
    assert!(project.allows(&inside.and_lists(), "cd src && git status", "project"));
    // What the repository is made of is not read as if it were.
    fs::remove_dir_all(project.path("project/.git/refs")).unwrap();
    assert!(!project.allows(&trusting, "git status", "project"));
}

#[test]
fn files_outside_of_the_repository_are_not_compared() {
    let project = Project::new();
    project.write("secret", "");
    project.write("project/src/a.rs", "");
    #[cfg(unix)]
    std::os::unix::fs::symlink("../secret", project.path("project/link")).unwrap();
    let rule = Rule::git_read().without_pager();
    let rule = rule.trusting([project.path("project/src")]);
    let inside = project.path("project/src/a.rs");
    for script in [
        "git diff main...HEAD -- src/a.rs",
        "git diff main..feature/x",
        "git diff HEAD:src/a.rs src/a.rs",
        "git diff -- src/*.rs",
        "git -C src diff ../src/a.rs",
        &format!("git diff -- {}", inside.display()),
    ] {
        let is_plain = cfg!(unix);
        let is_allowed = project.allows(&rule, script, "project");
        assert!(is_allowed || !is_plain, "{script}");
    }
    for script in [
        "git diff /dev/null /etc/passwd",
        "git diff -- /dev/null /etc/passwd",
        "git diff --stat /etc/hostname src/a.rs",
        "git diff ../secret src/a.rs",
        "git diff -- src/a.rs ../secret",
        "git diff src/../../secret src/a.rs",
        "git -C src diff ../../secret a.rs",
        "git -C src -C .. diff ../secret src/a.rs",
        "git diff /etc/pass* /dev/null",
        "git diff -- -x ../secret",
        #[cfg(unix)]
        "git diff link src/a.rs",
    ] {
        assert!(!project.allows(&rule, script, "project"), "{script}");
    }
}

#[test]
fn a_repository_that_starts_something_is_not_read() {
    let check = |change: &dyn Fn(&Project)| {
        let project = Project::new();
        assert!(project.allows(&project.rule(), "git status", "project"));
        change(&project);
        let trusting = Rule::git_read().trusting([project.path("project")]);
        for rule in [project.rule(), trusting] {
            assert!(!project.allows(&rule, "git status", "project"));
            assert!(!project.allows(&rule, "git --no-pager log -n 3", "project"));
        }
    };
    for config in [
        "[core]\n\tfsmonitor = ./evil\n",
        "[log]\n\tshowSignature = true\n[gpg]\n\tprogram = ./evil\n",
        "[diff \"x\"]\n\ttextconv = ./evil\n",
        "[filter \"x\"]\n\tclean = ./evil\n",
        "[include]\n\tpath = ../evil\n",
        "[core]\n\thooksPath = hooks\n",
        "[pager]\n\tstatus = ./evil\n",
    ] {
        check(&|it| it.write("project/.git/config", format!("{CONFIG}{config}")));
        check(&|it| it.write("project/.git/config.worktree", config));
    }
    check(&|it| it.write("project/.git/config", [0xff]));
    check(&|it| fs::remove_file(it.path("project/.git/config")).unwrap());
    check(&|it| it.write("project/.git/commondir", "../x"));
    check(&|it| {
        it.write(
            "project/.git/hooks/post-index-change",
            "#!/bin/sh\n./evil\n",
        )
    });
    check(&|it| {
        it.write("project/HEAD", "x");
        it.write("project/config", "");
    });
    check(&|it| {
        fs::rename(it.path("project/.git"), it.path("moved")).unwrap();
        it.write("project/.git", "gitdir: ../moved\n");
    });
    #[cfg(unix)]
    check(&|it| {
        fs::rename(it.path("project/.git"), it.path("moved")).unwrap();
        std::os::unix::fs::symlink("../moved", it.path("project/.git")).unwrap();
    });
}

#[test]
fn submodules_are_not_looked_into() {
    let project = Project::new();
    let mut index = [&b"DIRC"[..], &[0, 0, 0, 2, 0, 0, 0, 1]].concat();
    index.resize(12 + 24, 0);
    index.extend([0, 0, 0xe0, 0]);
    index.resize(12 + 62, 0);
    index.extend(b"sub\0\0\0\0\0\0\0");
    index.extend([0; 20]);
    project.write("project/.git/index", &index);
    let rule = project.rule().without_pager();
    for (script, expected) in [
        ("git status", false),
        ("git diff", false),
        ("git diff HEAD", false),
        ("git status --ignore-submodules=dirty", false),
        ("git status --ignore-submodules=all", true),
        ("git diff --ignore-submodules", true),
        ("git log", true),
        ("git rev-parse HEAD", true),
    ] {
        assert_eq!(
            project.allows(&rule, script, "project"),
            expected,
            "{script}"
        );
    }
    project.write("project/.git/index", "garbage");
    assert!(!project.allows(&rule, "git status", "project"));
}

/// What git of this machine does with the commands that are allowed, in a repository
/// that it made.
#[cfg(unix)]
#[test]
fn a_repository_of_git_is_read() {
    let git = |folder: &std::path::Path, arguments: &[&str]| {
        let mut process = std::process::Command::new("git");
        let process = process.args(["-c", "user.name=a", "-c", "user.email=a@b"]);
        let output = process
            .args(arguments)
            .current_dir(folder)
            .env_remove("GIT_DIR")
            .output();
        output.is_ok_and(|output| output.status.success())
    };
    let home = tempfile::tempdir().unwrap();
    if !git(home.path(), &["init", "-q", "project"]) {
        println!("not tried, since git is not here");
        return;
    }
    let folder = home.path().join("project");
    fs::create_dir(folder.join("src")).unwrap();
    fs::write(folder.join("src/a.rs"), "foo\n".repeat(20)).unwrap();
    assert!(git(&folder, &["add", "."]) && git(&folder, &["commit", "-q", "-m", "x"]));
    assert!(git(&folder, &["branch", "-M", "main"]) && git(&folder, &["tag", "v1"]));
    fs::write(folder.join("src/b.rs"), "").unwrap();
    let rule = Rule::git_read().and(Rule::inside(&folder)).without_pager();
    for script in PLAIN.iter().chain(PAGED) {
        let command = Command::new(Some(Shell::Sh), *script, folder.to_str().unwrap());
        assert!(rule.allows(&command), "{script}");
        // Every option that is taken for one that reads is an option of git.
        let mut process = std::process::Command::new("sh");
        let process = process.args(["-c", script]).current_dir(&folder);
        let output = process.env("GIT_PAGER", "cat").output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            !error.contains("usage:") && !error.contains("unrecognized"),
            "{script}: {error}"
        );
    }
}
