//! What entries are called in the model: a point for each, by their place in the tree.

use std::collections::HashMap;

use consensus::{Configuration, EntryHeader, Hash, Point};
use model::safety::{Forest, Kind, Point as Place, Term};

/// The model's points for the entries that were seen so far.
pub struct Names {
    places: HashMap<Hash, Place>,
    points: HashMap<Place, Point>,
    /// How many entries of one term follow the same point.
    siblings: HashMap<(Place, Term), u8>,
}

impl Names {
    /// The opening alone.
    #[must_use]
    pub fn new(configuration: &Configuration) -> Self {
        Self {
            places: HashMap::from([(configuration.opening().hash, Place::OPENING)]),
            points: HashMap::from([(Place::OPENING, configuration.opening())]),
            siblings: HashMap::new(),
        }
    }

    /// The model's point for one of the code's.
    ///
    /// # Errors
    /// Nobody has shown the entry.
    pub fn find(&self, point: Point) -> Result<Place, String> {
        let found = self.places.get(&point.hash).copied();
        found.ok_or_else(|| format!("no correct node stored or was shown the entry {point}"))
    }

    /// The code's point for one of the model's, for people.
    #[must_use]
    pub fn point(&self, place: Place) -> String {
        let known = self.points.get(&place);
        known.map_or_else(|| "an unknown point".to_owned(), ToString::to_string)
    }

    /// Names the entry that comes to `point`. Entries of one term after the same point are told
    /// apart by the order in which they are seen: a correct leader has only the first.
    ///
    /// # Errors
    /// Nobody has shown the entry before it, or there are more than the model has room for.
    pub fn name(
        &mut self,
        forest: &Forest,
        header: &EntryHeader,
        point: Point,
    ) -> Result<Place, String> {
        if let Some(&known) = self.places.get(&point.hash) {
            return Ok(known);
        }
        let before = Point {
            index: point.index.previous(),
            hash: header.previous,
        };
        let parent = self.find(before)?;
        let term = term(header.term)?;
        let branch = self.siblings.entry((parent, term)).or_default();
        // The highest two codes are those of stop signs.
        let made = (*branch < u8::MAX - 1)
            .then(|| forest.after(parent, term, Kind::Entry(*branch)))
            .flatten();
        let place = made.ok_or_else(|| format!("the model has no room for {point}"))?;
        *branch += 1;
        self.places.insert(point.hash, place);
        self.points.insert(place, point);
        Ok(place)
    }
}

/// The model's name of a term.
///
/// # Errors
/// It is beyond what the model counts to.
pub fn term(term: consensus::Term) -> Result<Term, String> {
    Term::try_from(term.0).map_err(|_| format!("the model does not count to term {term}"))
}
