//! Lines over two axes, with a legend.

use std::fmt::Write;

use super::{
    axis::{label, marks},
    escape,
};

/// A line.
pub struct Line {
    /// What it stands for.
    pub name: String,
    /// Its points.
    pub points: Vec<(f64, f64)>,
    /// Its class of colour.
    pub colour: usize,
}

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 330.0;
const LEFT: f64 = 75.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 46.0;

/// A plot of lines; both axes begin at zero. What the axes show stands beside them.
#[must_use]
pub fn lines(title: &str, across: &str, upward: &str, lines: &[Line]) -> String {
    let points = || lines.iter().flat_map(|line| &line.points);
    let x_marks = marks(points().map(|point| point.0).fold(0.0, f64::max));
    let y_marks = marks(points().map(|point| point.1).fold(0.0, f64::max));
    let x_end = x_marks.last().copied().unwrap_or(1.0);
    let y_end = y_marks.last().copied().unwrap_or(1.0);
    let x = |value: f64| LEFT + value / x_end * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - value / y_end * (HEIGHT - TOP - BOTTOM);
    let (floor, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
        escape(title)
    );
    // Writing to a string cannot fail.
    for mark in &x_marks {
        let at = x(*mark);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{floor}\"/>\
             <text class=\"mark\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            floor + 16.0,
            label(*mark)
        );
    }
    for mark in &y_marks {
        let at = y(*mark);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text class=\"mark\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 7.0,
            at + 4.0,
            label(*mark)
        );
    }
    let _ = write!(
        svg,
        "<text class=\"mark\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
         <text class=\"mark\" transform=\"translate(14 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
        x(x_end / 2.0),
        floor + 36.0,
        escape(across),
        y(y_end / 2.0),
        escape(upward)
    );
    for line in lines {
        let path: Vec<String> = line
            .points
            .iter()
            .map(|point| format!("{:.1},{:.1}", x(point.0), y(point.1)))
            .collect();
        let _ = write!(
            svg,
            "<polyline class=\"line s{}\" points=\"{}\"/>",
            line.colour,
            path.join(" ")
        );
    }
    svg.push_str("</svg>");
    let mut html = String::from("<p class=\"legend\">");
    for line in lines {
        let _ = write!(
            html,
            "<span><i class=\"b{}\"></i>{}</span> ",
            line.colour,
            escape(&line.name)
        );
    }
    html.push_str("</p>");
    html + &svg
}
