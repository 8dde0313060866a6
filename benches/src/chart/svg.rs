use std::fmt::Write as _;

/// Of text and lines: as far from black as from white.
const GREY: &str = "#737b86";

/// Of all plots, in pixels.
pub(super) const WIDTH: f64 = 760.0;

/// Where a text begins, ends, or has its middle.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

/// A drawing that grows.
#[derive(Debug, Default)]
pub(super) struct Svg(String);

impl Svg {
    pub(super) fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        self.put(&format!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{}\">{}</text>",
            anchor.word(),
            escaped(text),
        ));
    }

    pub(super) fn heading(&mut self, text: &str) {
        self.put(&format!("<text class=\"h\" x=\"0\" y=\"16\">{}</text>", escaped(text)));
    }

    pub(super) fn bar(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), colour: &str) {
        self.put(&format!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{colour}\"/>"
        ));
    }

    pub(super) fn rule(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.put(&format!("<path class=\"r\" d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\"/>"));
    }

    /// A line through these points, with a dot at each.
    pub(super) fn line(&mut self, points: &[(f64, f64)], colour: &str) {
        let mut path = String::new();
        for (at, (x, y)) in points.iter().enumerate() {
            let _ = write!(path, "{}{x:.1} {y:.1}", if at == 0 { 'M' } else { 'L' });
        }
        self.put(&format!(
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
        ));
        for (x, y) in points {
            self.put(&format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"));
        }
    }

    pub(super) fn finish(self, title: &str, height: f64) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
             role=\"img\">\n<title>{}</title>\n<style>text{{font:12px sans-serif;fill:{GREY}}}\
             .h{{font-weight:bold;font-size:14px}}.r{{stroke:{GREY};stroke-opacity:.35}}</style>\n{}</svg>\n",
            escaped(title),
            self.0,
        )
    }

    fn put(&mut self, element: &str) {
        self.0.push_str(element);
        self.0.push('\n');
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text() {
        let mut svg = Svg::default();
        svg.text((0.0, 0.0), Anchor::Start, "Vec<T> & more");
        let drawn = svg.finish("a < b", 10.0);
        assert!(drawn.contains(">Vec&lt;T&gt; &amp; more<"), "{drawn}");
        assert!(drawn.contains("<title>a &lt; b</title>"), "{drawn}");
    }
}
