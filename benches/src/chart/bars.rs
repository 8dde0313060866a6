use super::Whose;
use super::scale::{Scale, shown};
use super::svg::{Anchor, Svg, WIDTH};

/// Where bars begin: names stand left of it.
const LEFT: f64 = 330.0;

/// What figures need, right of the longest bar.
const RIGHT: f64 = 60.0;

const TOP: f64 = 30.0;
const ROW: f64 = 18.0;
const GAP: f64 = 8.0;
const THICK: f64 = 12.0;

/// One figure.
#[derive(Clone, Debug)]
pub struct Bar {
    name: String,
    whose: Whose,
    figure: f64,
}

impl Bar {
    /// A figure by its name.
    pub fn new(name: impl Into<String>, whose: Whose, figure: f64) -> Self {
        Self { name: name.into(), whose, figure }
    }
}

/// Figures beside each other, in groups. By powers of ten where some are more than a hundred times others.
#[derive(Clone, Debug)]
pub struct Bars {
    title: String,
    groups: Vec<Vec<Bar>>,
}

impl Bars {
    /// None yet. The title tells the unit.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), groups: Vec::new() }
    }

    /// Adds bars that belong together.
    pub fn add(&mut self, group: Vec<Bar>) {
        self.groups.push(group);
    }

    /// The drawing.
    pub fn draw(&self) -> String {
        let mut svg = Svg::default();
        svg.heading(&self.title);
        let scale = self.scale();
        let rows: usize = self.groups.iter().map(Vec::len).sum();
        let height = TOP + rows as f64 * ROW + self.groups.len() as f64 * GAP;
        for tick in scale.ticks() {
            let x = LEFT + length(scale, tick);
            svg.rule((x, TOP - 2.0), (x, height));
            svg.text((x, height + 14.0), Anchor::Middle, &shown(tick));
        }
        let mut y = TOP;
        for group in &self.groups {
            for bar in group {
                draw(&mut svg, scale, bar, y);
                y += ROW;
            }
            y += GAP;
        }
        svg.finish(&self.title, height + 20.0)
    }

    fn scale(&self) -> Scale {
        let figures = self.groups.iter().flatten().map(|bar| bar.figure);
        let some = figures.clone().filter(|figure| *figure > 0.0);
        let least = some.clone().fold(f64::INFINITY, f64::min);
        let greatest = some.clone().fold(0.0, f64::max);
        if greatest > 100.0 * least { Scale::log(some) } else { Scale::linear(figures) }
    }
}

fn length(scale: Scale, figure: f64) -> f64 {
    scale.place(figure).max(0.0) * (WIDTH - LEFT - RIGHT)
}

fn draw(svg: &mut Svg, scale: Scale, bar: &Bar, y: f64) {
    let long = length(scale, bar.figure);
    svg.text((LEFT - 8.0, y + 11.0), Anchor::End, &bar.name);
    svg.bar((LEFT, y + 1.0), (long.max(1.0), THICK), bar.whose.colour());
    svg.text((LEFT + long + 6.0, y + 11.0), Anchor::Start, &shown(bar.figure));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widths(figures: &[f64]) -> Vec<f64> {
        let mut bars = Bars::new("times");
        bars.add(figures.iter().map(|figure| Bar::new("x", Whose::Ours, *figure)).collect());
        let drawn = bars.draw();
        let widths = drawn.lines().filter(|line| line.starts_with("<rect"));
        widths.map(|line| line.split('"').nth(5).unwrap().parse().unwrap()).collect()
    }

    #[test]
    fn twice_as_much_is_twice_as_long() {
        assert_eq!(widths(&[50.0, 100.0, 0.0]), [185.0, 370.0, 1.0]);
    }

    #[test]
    fn what_differs_much_is_drawn_by_powers_of_ten() {
        let widths = widths(&[10.0, 100.0, 10_000.0]);
        assert_eq!(widths, [1.0, 123.3, 370.0]);
    }
}
