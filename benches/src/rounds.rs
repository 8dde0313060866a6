/// What subjects that took turns did, round by round.
#[derive(Clone, Debug)]
pub struct Rounds(Vec<Vec<f64>>);

impl Rounds {
    /// All subjects in turn, so that whatever disturbs the machine disturbs them all.
    pub fn of<T>(count: usize, subjects: &mut [T], mut turn: impl FnMut(&mut T) -> f64) -> Self {
        let mut round = || subjects.iter_mut().map(&mut turn).collect();
        Self((0..count).map(|_| round()).collect())
    }

    /// The median of a figure that each round has.
    ///
    /// # Panics
    ///
    /// If there was no round.
    pub fn median(&self, figure: impl Fn(&[f64]) -> f64) -> f64 {
        let mut figures: Vec<f64> = self.0.iter().map(|round| figure(round)).collect();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    }
}
