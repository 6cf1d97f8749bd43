//! Completions and man pages, of all commands.

use crate::fake::{Fakes, State, Who};

#[test]
fn completions_are_made_for_every_shell() {
    let fakes = Fakes::new(Who::Nobody, State::default());
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = fakes.run(&["completion", shell]).ok();
        for word in ["neighbour", "--vhost-user", "--rundir"] {
            // fish writes long options without their dashes.
            assert!(script.contains(word.trim_start_matches('-')), "{shell}: {word}");
        }
    }
    fakes.run(&["completion", "tcsh"]).error(2);
}

#[test]
fn bash_takes_its_script() {
    let fakes = Fakes::new(Who::Nobody, State::default());
    let path = fakes.file("completion.bash", &fakes.run(&["completion", "bash"]).ok());
    let checked = std::process::Command::new("bash").arg("-n").arg(path).status().unwrap();
    assert!(checked.success());
}

#[test]
fn man_pages_are_made_for_every_command() {
    let fakes = Fakes::new(Who::Nobody, State::default());
    let dir = fakes.dir().join("man/man1");
    fakes.run(&["man", "--dir", dir.to_str().unwrap()]).ok();
    let nouns = ["bridge", "port", "vtep", "network", "nic"];
    let verbs = ["list", "show", "create", "set", "delete", "watch"];
    let mut pages: Vec<String> = nouns
        .iter()
        .flat_map(|noun| verbs.iter().map(move |verb| format!("sluice-{noun}-{verb}.1")))
        .collect();
    for page in ["", "-flow-add", "-flow-list", "-flow-delete", "-flow-watch", "-mac-list", "-neighbour-list"]
    {
        pages.push(format!("sluice{page}.1"));
    }
    for command in
        ["worker-list", "drops", "status", "doctor", "apply", "diff", "export", "completion", "man"]
    {
        pages.push(format!("sluice-{command}.1"));
    }
    for page in pages {
        let text = std::fs::read_to_string(dir.join(&page)).unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(text.contains(".SH NAME") && text.contains(".SH OPTIONS"), "{page}");
        if page != "sluice.1" {
            assert!(text.contains("Examples:"), "{page}");
        }
    }
    let main = std::fs::read_to_string(dir.join("sluice.1")).unwrap();
    assert!(main.contains("Exit codes"), "{main}");
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let fakes = Fakes::new(Who::Nobody, State::default());
    let file = fakes.file("file", "");
    let stderr = fakes.run(&["man", "--dir", file.to_str().unwrap()]).error(1);
    assert!(stderr.contains("file: cannot be written"), "{stderr}");
}

#[test]
fn help_and_version_go_to_stdout() {
    let fakes = Fakes::new(Who::Nobody, State::default());
    assert!(fakes.run(&["--version"]).ok().starts_with("sluice "));
    let help = fakes.run(&["port", "create", "--help"]).ok();
    for said in ["Create a port", "--vhost-user <PATH>", "Examples:", "16777215"] {
        assert!(help.contains(said), "{said}\n{help}");
    }
}
