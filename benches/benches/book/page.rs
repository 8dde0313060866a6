use std::fs;
use std::path::Path;

/// Where the book is.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/book");

/// Markdown and plots that become files together, or not at all.
pub(crate) struct Page {
    text: String,
    plots: Vec<(&'static str, String)>,
}

impl Page {
    pub(crate) const fn new() -> Self {
        Self { text: String::new(), plots: Vec::new() }
    }

    /// A paragraph, or a heading.
    pub(crate) fn text(&mut self, text: &str) {
        self.text.push_str(text.trim());
        self.text.push_str("\n\n");
    }

    /// A drawing, in a file of this name.
    pub(crate) fn plot(&mut self, name: &'static str, alternative: &str, drawn: String) {
        self.text(&format!("![{alternative}]({name}.svg)"));
        self.plots.push((name, drawn));
    }

    /// A table: words first, and figures under the others.
    pub(crate) fn table(&mut self, words: &[&str], figures: &[&str], rows: &[Vec<String>]) {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let head: Vec<_> = words.iter().chain(figures).map(ToString::to_string).collect();
        let below = "---|".repeat(words.len()) + &"--:|".repeat(figures.len());
        let rows: String = rows.iter().map(|row| line(row)).collect();
        self.text(&format!("{}|{below}\n{rows}", line(&head)));
    }

    pub(crate) fn write(&self) {
        let folder = Path::new(FOLDER);
        let write = |name: &str, text: &str| {
            fs::write(folder.join(name), text).expect("the folder can be written to");
        };
        fs::create_dir_all(folder).expect("the folder can be made");
        for (name, drawn) in &self.plots {
            write(&format!("{name}.svg"), drawn);
        }
        write("README.md", &format!("{}\n", self.text.trim_end()));
        println!("written: {}", folder.join("README.md").display());
    }

    pub(crate) fn print(&self) {
        println!("{}", self.text);
    }
}
