use super::Whose;
use super::scale::{Scale, shown};
use super::svg::{Anchor, Svg, WIDTH};

const LEFT: f64 = 56.0;

/// Names stand right of where lines end.
const RIGHT: f64 = 240.0;

const TOP: f64 = 34.0;
const BOTTOM: f64 = 210.0;
const HEIGHT: f64 = 250.0;

/// No two names are closer.
const APART: f64 = 15.0;

/// Figures of one subject.
#[derive(Clone, Debug)]
pub struct Line {
    name: String,
    whose: Whose,
    points: Vec<(f64, f64)>,
}

impl Line {
    /// Through these points.
    pub fn new(name: impl Into<String>, whose: Whose, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), whose, points }
    }
}

/// How figures grow, both by powers of ten.
#[derive(Clone, Debug)]
pub struct Lines {
    title: String,
    across: String,
    lines: Vec<Line>,
}

impl Lines {
    /// None yet. The title tells the unit, and `across` what grows to the right.
    pub fn new(title: impl Into<String>, across: impl Into<String>) -> Self {
        Self { title: title.into(), across: across.into(), lines: Vec::new() }
    }

    /// Adds a line.
    pub fn add(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// The drawing.
    pub fn draw(&self) -> String {
        let mut svg = Svg::default();
        svg.heading(&self.title);
        let points = self.lines.iter().flat_map(|line| &line.points);
        let across = Scale::log(points.clone().map(|point| point.0));
        let up = Scale::log(points.map(|point| point.1));
        self.axes(&mut svg, across, up);
        let place = |&(x, y): &(f64, f64)| (right(across, x), above(up, y));
        let mut names = Vec::new();
        for line in &self.lines {
            let points: Vec<_> = line.points.iter().map(place).collect();
            svg.line(&points, line.whose.colour());
            let last = points.last().copied().unwrap_or_default();
            names.push((last.1, &line.name));
        }
        for (y, name) in apart(names) {
            svg.text((WIDTH - RIGHT + 10.0, y + 4.0), Anchor::Start, name);
        }
        svg.finish(&self.title, HEIGHT)
    }

    fn axes(&self, svg: &mut Svg, across: Scale, up: Scale) {
        for tick in up.ticks() {
            let y = above(up, tick);
            svg.rule((LEFT, y), (WIDTH - RIGHT, y));
            svg.text((LEFT - 6.0, y + 4.0), Anchor::End, &shown(tick));
        }
        for tick in across.ticks() {
            svg.text((right(across, tick), BOTTOM + 18.0), Anchor::Middle, &shown(tick));
        }
        let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
        svg.text((middle, HEIGHT - 6.0), Anchor::Middle, &self.across);
    }
}

fn right(scale: Scale, figure: f64) -> f64 {
    LEFT + scale.place(figure) * (WIDTH - RIGHT - LEFT)
}

fn above(scale: Scale, figure: f64) -> f64 {
    BOTTOM - scale.place(figure) * (BOTTOM - TOP)
}

/// From the top down, each below the one before it.
fn apart<T>(mut names: Vec<(f64, T)>) -> Vec<(f64, T)> {
    names.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut last = f64::NEG_INFINITY;
    for (y, _) in &mut names {
        *y = y.max(last + APART);
        last = *y;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_lie_on_each_other() {
        let names = apart(vec![(50.0, "c"), (10.0, "a"), (12.0, "b")]);
        assert_eq!(names, [(10.0, "a"), (25.0, "b"), (50.0, "c")]);
    }

    #[test]
    fn ten_times_as_much_is_one_step() {
        let mut lines = Lines::new("ns", "keys");
        lines.add(Line::new("x", Whose::Ours, vec![(1.0, 10.0), (100.0, 1_000.0)]));
        let drawn = lines.draw();
        assert!(drawn.contains("M56.0 210.0L520.0 34.0"), "{drawn}");
    }
}
