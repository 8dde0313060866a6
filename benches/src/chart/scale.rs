/// How figures become places between two ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scale {
    /// From nothing to this figure.
    Linear(f64),
    /// By powers of ten, from one figure to another.
    Log(f64, f64),
}

impl Scale {
    pub(super) fn linear(figures: impl Iterator<Item = f64>) -> Self {
        Self::Linear(figures.fold(0.0, f64::max))
    }

    /// From the power of ten below the least figure, and to the one above the greatest.
    pub(super) fn log(figures: impl Iterator<Item = f64> + Clone) -> Self {
        let least = figures.clone().fold(f64::INFINITY, f64::min);
        let greatest = figures.fold(0.0, f64::max);
        Self::Log(10_f64.powf(least.log10().floor()), 10_f64.powf(greatest.log10().ceil()))
    }

    /// From 0 to 1.
    pub(super) fn place(self, figure: f64) -> f64 {
        match self {
            Self::Linear(end) => figure / end,
            Self::Log(from, to) => (figure / from).log10() / (to / from).log10(),
        }
    }

    /// The powers of ten.
    pub(super) fn ticks(self) -> Vec<f64> {
        match self {
            Self::Linear(_) => Vec::new(),
            Self::Log(from, to) => {
                let powers = (to / from).log10().round() as i32;
                (0..=powers).map(|power| from * 10_f64.powi(power)).collect()
            }
        }
    }
}

/// With three digits, or as many as there are before the point.
pub(super) fn shown(figure: f64) -> String {
    let (figure, unit) = match figure.abs() {
        size if size >= 999_500.0 => (figure / 1e6, "M"),
        size if size >= 9_995.0 => (figure / 1e3, "k"),
        _ => (figure, ""),
    };
    let decimals = match figure.abs() {
        size if size >= 99.95 || figure.fract() == 0.0 => 0,
        size if size >= 9.995 => 1,
        _ => 2,
    };
    format!("{figure:.decimals$}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_ten_are_equally_far() {
        let scale = Scale::log([30.0, 4_000.0].into_iter());
        assert_eq!(scale.ticks(), [10.0, 100.0, 1_000.0, 10_000.0]);
        let places: Vec<_> = scale.ticks().iter().map(|tick| scale.place(*tick)).collect();
        for (place, expected) in places.iter().zip([0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0]) {
            assert!((place - expected).abs() < 1e-9, "{places:?}");
        }
    }

    #[test]
    fn figures_are_short() {
        let cases = [
            (0.0, "0"),
            (0.874, "0.87"),
            (12.34, "12.3"),
            (129.4, "129"),
            (9_994.0, "9994"),
            (10_000.0, "10k"),
            (391_300.0, "391k"),
            (1_000_000.0, "1M"),
        ];
        for (figure, expected) in cases {
            assert_eq!(shown(figure), expected, "{figure}");
        }
    }
}
