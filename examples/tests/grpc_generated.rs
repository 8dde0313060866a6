//! The code of `examples/src/bin/grpc/generated` is what the files of `examples/proto` make.

use std::path::{Path, PathBuf};
use std::{env, fs};

const FILES: [&str; 2] =
    ["stonework/payments/v1/payments.proto", "stonework/payments/v2/payments.proto"];

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Writes the code into this folder. Without `protoc`.
fn generate(folder: &Path) {
    fs::create_dir_all(folder).expect("make a folder");
    let files = protox::compile(FILES, [here("proto")]).expect("what is meant");
    tonic_prost_build::configure().out_dir(folder).compile_fds(files).expect("the code");
}

fn sources(folder: &Path) -> Vec<(String, String)> {
    let entries =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path());
    let code = entries.filter(|path| path.file_name().is_some_and(|name| name != "mod.rs"));
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("UTF-8");
        (path.file_name().expect("a name").to_string_lossy().into_owned(), text)
    };
    let mut sources: Vec<_> = code.map(read).collect();
    sources.sort();
    sources
}

/// `GENERATE=1 cargo test --test grpc_generated` writes it anew.
#[test]
fn the_generated_code_is_that_of_the_protocol() {
    let committed = here("src/bin/grpc/generated");
    if env::var_os("GENERATE").is_some() {
        generate(&committed);
    }
    let anew = Path::new(env!("CARGO_TARGET_TMPDIR")).join("grpc-generated");
    generate(&anew);
    let (committed, anew) = (sources(&committed), sources(&anew));
    let names = |sources: &[(String, String)]| -> Vec<String> {
        sources.iter().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(names(&committed), ["stonework.payments.v1.rs", "stonework.payments.v2.rs"]);
    assert_eq!(names(&committed), names(&anew));
    for ((name, committed), (_, anew)) in committed.iter().zip(&anew) {
        assert!(committed == anew, "{name} is not of examples/proto; GENERATE=1 writes it anew");
    }
}
