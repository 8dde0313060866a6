//! Reads what callgrind has counted.
//! The format is that of <https://valgrind.org/docs/manual/cl-format.html>.

use std::collections::HashMap;

/// Instructions in a function, without those of what it calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cost<'p> {
    /// The program or the library that it is in.
    pub object: &'p str,
    /// Its name.
    pub function: &'p str,
    /// How many.
    pub instructions: u64,
}

/// All that a profile has counted, line by line.
pub fn costs(profile: &str) -> Vec<Cost<'_>> {
    let (mut objects, mut functions) = (Names::default(), Names::default());
    let mut at = Cost { object: "", function: "", instructions: 0 };
    let mut costs = Vec::new();
    let mut is_call = false;
    for line in profile.lines() {
        if let Some((key, value)) = line.split_once('=') {
            match key {
                "ob" => at.object = objects.name(value),
                "fn" => at.function = functions.name(value),
                "cob" => _ = objects.name(value),
                "cfn" => _ = functions.name(value),
                _ => {}
            }
            // The line that follows is the cost of what is called.
            is_call = key == "calls";
        } else if line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) {
            let count = line.split(' ').nth(1).and_then(|count| count.parse().ok());
            if let Some(instructions) = count.filter(|_| !std::mem::take(&mut is_call)) {
                costs.push(Cost { instructions, ..at });
            }
        }
    }
    costs
}

/// A name is written once, `(7) like this`, and is `(7)` from then on.
#[derive(Default)]
struct Names<'p>(HashMap<&'p str, &'p str>);

impl<'p> Names<'p> {
    fn name(&mut self, value: &'p str) -> &'p str {
        let Some((number, name)) = value.split_once(") ") else {
            return self.0.get(value.trim_end_matches(')')).copied().unwrap_or_default();
        };
        self.0.insert(number, name);
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "\
version: 1
summary: 31

ob=(1) /program
fl=(1) main.rs
fn=(1) main
10 1
+2 2
fi=(2) vec.rs
* 4
cob=(2) libc.so
cfi=(3) malloc.c
cfn=(2) malloc
calls=1 7
-3 8
16 16

ob=(2)
fl=(3)
fn=(2)
7 8
";

    #[test]
    fn costs_are_those_of_a_function_and_not_of_what_it_calls() {
        let main = |instructions| Cost { object: "/program", function: "main", instructions };
        let malloc = Cost { object: "libc.so", function: "malloc", instructions: 8 };
        assert_eq!(costs(PROFILE), [main(1), main(2), main(4), main(16), malloc]);
    }
}
