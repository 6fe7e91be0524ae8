//! Horizontal bars: a name, a bar, its number.

use std::fmt::Write;

use super::{
    axis::{label, marks},
    escape,
};
use crate::compare::conclusion::rounded;

/// A bar.
pub struct Bar {
    /// What it stands for.
    pub name: String,
    /// Its parts from left to right, each with its class of colour.
    pub parts: Vec<(f64, usize)>,
    /// The least and the greatest measured, drawn as a whisker.
    pub range: Option<(f64, f64)>,
    /// Single measurements, drawn as dots.
    pub dots: Vec<f64>,
}

const WIDTH: f64 = 860.0;
const LEFT: f64 = 235.0;
const RIGHT: f64 = 75.0;
const TOP: f64 = 8.0;
const PITCH: f64 = 34.0;
const BAR: f64 = 20.0;
const BOTTOM: f64 = 40.0;

/// A plot of bars over one axis that begins at zero.
#[must_use]
pub fn bars(title: &str, unit: &str, bars: &[Bar]) -> String {
    let total = |bar: &Bar| bar.parts.iter().map(|(value, _)| value).sum::<f64>();
    let greatest = bars
        .iter()
        .flat_map(|bar| [total(bar), bar.range.map_or(0.0, |(_, high)| high)])
        .fold(0.0, f64::max);
    let marks = marks(greatest);
    let end = marks.last().copied().unwrap_or(1.0);
    let x = |value: f64| LEFT + value / end * (WIDTH - LEFT - RIGHT);
    let floor = TOP + PITCH * bars.len() as f64;
    let height = floor + BOTTOM;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">",
        escape(title)
    );
    // Writing to a string cannot fail.
    for mark in &marks {
        let at = x(*mark);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{floor}\"/>\
             <text class=\"mark\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            floor + 15.0,
            label(*mark)
        );
    }
    let _ = write!(
        svg,
        "<text class=\"mark\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
        x(end / 2.0),
        floor + 32.0,
        escape(unit)
    );
    for (row, bar) in bars.iter().enumerate() {
        let top = TOP + PITCH * row as f64 + (PITCH - BAR) / 2.0;
        let middle = top + BAR / 2.0;
        let _ = write!(
            svg,
            "<text class=\"name\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 8.0,
            middle + 4.0,
            escape(&bar.name)
        );
        let mut start = 0.0;
        for (value, colour) in &bar.parts {
            let _ = write!(
                svg,
                "<rect class=\"c{colour}\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{BAR}\"/>",
                x(start),
                (x(start + value) - x(start)).max(0.5)
            );
            start += value;
        }
        if let Some((low, high)) = bar.range {
            let _ = write!(
                svg,
                "<path class=\"whisker\" d=\"M{0:.1} {1:.1}V{2:.1}M{0:.1} {3:.1}H{4:.1}M{4:.1} {1:.1}V{2:.1}\"/>",
                x(low),
                middle - 5.0,
                middle + 5.0,
                middle,
                x(high)
            );
        }
        for dot in &bar.dots {
            let _ = write!(
                svg,
                "<circle class=\"dot\" cx=\"{:.1}\" cy=\"{middle:.1}\" r=\"2.5\"/>",
                x(*dot)
            );
        }
        let furthest = bar.range.map_or(start, |(_, high)| high.max(start));
        let _ = write!(
            svg,
            "<text class=\"value\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            x(furthest) + 7.0,
            middle + 4.0,
            rounded(start)
        );
    }
    svg.push_str("</svg>");
    svg
}
