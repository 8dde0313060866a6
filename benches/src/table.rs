/// Prints the head of a table in Markdown: words first, and figures under the others.
pub fn print_head(words: &[&str], figures: &[&str]) {
    println!("\n| {} | {} |", words.join(" | "), figures.join(" | "));
    println!("|{}{}", "---|".repeat(words.len()), "--:|".repeat(figures.len()));
}

/// Prints a row.
pub fn print_row(cells: &[String]) {
    println!("| {} |", cells.join(" | "));
}
