//! `cors-explain` as a person uses it.

use std::fs;
use std::process::{Command, Output};

fn explain(origins: Option<&str>, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cors-explain"));
    command.env_remove("ALLOWED_ORIGINS").args(arguments);
    if let Some(origins) = origins {
        command.env("ALLOWED_ORIGINS", origins);
    }
    let Output { status, stdout, stderr } = command.output().expect("run cors-explain");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn what_is_allowed_is_shown_with_what_is_answered() {
    let asked =
        ["--origin", "http://localhost:5173", "--method", "POST", "--header", "content-type"];
    let (code, told, errors) = explain(None, &asked);
    assert_eq!((code, &*errors), (Some(0), ""), "{told}");
    assert!(told.contains("preflight: allowed"), "{told}");
    assert!(told.contains("access-control-allow-origin: http://localhost:5173"), "{told}");
    assert!(told.contains("request: allowed"), "{told}");
}

#[test]
fn what_is_denied_is_named_with_what_was_meant() {
    let origins = Some("https://app.example.com");
    for (arguments, told) in [
        (&["--origin", "http://app.example.com"][..], "nearest: https://app.example.com"),
        (&["--origin", "https://app.example.com", "--method", "patch"], "nearest: PATCH"),
        (&["--origin", "https://app.example.com", "--header", "X-Secret"], "x-secret"),
        (&["--origin", "null"], "origin-null"),
    ] {
        let (code, shown, _) = explain(origins, arguments);
        assert_eq!(code, Some(1), "{shown}");
        assert!(shown.contains(told), "{told}: {shown}");
    }
}

#[test]
fn a_plain_get_is_not_asked_about_first() {
    for method in ["GET", "get", "post"] {
        let (code, told, _) =
            explain(None, &["--origin", "http://localhost:1", "--method", method]);
        assert!(code == Some(0) && !told.contains("preflight"), "{told}");
    }
    let (code, told, _) = explain(None, &["--origin", "http://localhost:1", "--method", "put"]);
    assert!(code == Some(0) && told.contains("preflight"), "a browser makes it PUT: {told}");
}

#[test]
fn a_policy_can_come_from_a_file() {
    let file = std::env::temp_dir().join(format!("cors-explain-{}.json", std::process::id()));
    let config = |text: &str| fs::write(&file, text).expect("write a file");
    let path = file.to_str().expect("UTF-8");
    let asked = ["--origin", "https://a.example", "--method", "PUT", "--config", path];
    config(r#"{"origins":["https://a.example"],"methods":["PUT"],"credentials":true}"#);
    let (code, told, _) = explain(None, &asked);
    assert!(code == Some(0) && told.contains("access-control-allow-credentials: true"), "{told}");
    for (wrong, named) in [
        (r#"{"origins":["https://a.example/"]}"#, "https://a.example/"),
        (r#"{"origin":["https://a.example"]}"#, "origin"),
        (r#"{"origins":["*"],"credentials":true}"#, "*"),
    ] {
        config(wrong);
        let (code, _, errors) = explain(None, &asked);
        assert!(code == Some(2) && errors.contains(named), "{errors}");
    }
    fs::remove_file(&file).expect("remove the file");
}

#[test]
fn what_is_not_understood_is_told() {
    for (arguments, named) in [
        (&[][..], "--origin"),
        (&["--origin"], "--origin"),
        (&["--origin", "https://a.example", "--method", "A B"], "A B"),
        (&["--origin", "https://a.example", "--header", "é"], "é"),
        (&["--origin", "https://a.example", "--verbose"], "--verbose"),
        (&["--origin", "https://a.example", "--config", "/nowhere.json"], "/nowhere.json"),
    ] {
        let (code, told, errors) = explain(None, arguments);
        assert_eq!((code, &*told), (Some(2), ""));
        assert!(errors.contains(named) && errors.contains("usage:"), "{errors}");
    }
}
