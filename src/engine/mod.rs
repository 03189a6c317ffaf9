//! The effects, in one order that can be read top to bottom.
//!
//! [`Run`] reads the channels, settles what was sold, plans, pushes, and looks again. Everything that is decided on
//! the way is decided by the pure functions of [`domain`](crate::domain); what stands here is when they are called and
//! what is stored before and after.

mod report;

pub use self::report::{
    Adjusted, Deduction, LaneEnd, LaneReport, Progress, PushEnd, PushReport, Quiet, Report, SaleReport, Stage, Trouble,
};
