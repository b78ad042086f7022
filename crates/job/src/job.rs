//! [`Job`].

use std::io;
use std::mem::size_of;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::process::Child;
use std::ptr;

use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectExtendedLimitInformation,
    SetInformationJobObject, TerminateJobObject,
};

/// The exit code of a process that is ended with its job.
const ENDED: u32 = 1;

/// A job, whose processes end when this value is dropped or the process that has it ends.
///
/// What a process in a job starts is in the job as well. No child inherits the handle of this one.
#[derive(Debug)]
pub struct Job(OwnedHandle);

impl Job {
    /// A job without processes.
    ///
    /// # Errors
    ///
    /// What the system says when it has no room for one.
    #[allow(unsafe_code, reason = "calls of the system")]
    pub fn new() -> io::Result<Self> {
        // SAFETY: both arguments may be null: the handle is not inherited, and has no name.
        let handle = unsafe { CreateJobObjectW(ptr::null(), ptr::null()) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handle has just been made, is not null, and nobody else has it to close it.
        let job = Self(unsafe { OwnedHandle::from_raw_handle(handle) });

        let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
        let size = size_of::<JOBOBJECT_EXTENDED_LIMIT_INFORMATION>() as u32;
        // SAFETY: the handle is open, as `job` owns it; the pointer is to a value of the type that
        // this class of information is of, with its size, and lives until the call returns.
        let set = unsafe {
            SetInformationJobObject(
                job.0.as_raw_handle(),
                JobObjectExtendedLimitInformation,
                (&raw const limits).cast(),
                size,
            )
        };
        done(set).map(|()| job)
    }

    /// Puts a child into the job. What it has started before stays outside.
    ///
    /// # Errors
    ///
    /// What the system says, for one when the child has ended.
    #[allow(unsafe_code, reason = "a call of the system")]
    pub fn add(&self, child: &Child) -> io::Result<()> {
        // SAFETY: both handles are open, as `self` and `child` own them and are borrowed here.
        done(unsafe { AssignProcessToJobObject(self.0.as_raw_handle(), child.as_raw_handle()) })
    }

    /// Ends all processes in the job.
    ///
    /// # Errors
    ///
    /// What the system says.
    #[allow(unsafe_code, reason = "a call of the system")]
    pub fn end(&self) -> io::Result<()> {
        // SAFETY: the handle is open, as `self` owns it.
        done(unsafe { TerminateJobObject(self.0.as_raw_handle(), ENDED) })
    }
}

/// What a function of the system says: 0 is failure.
fn done(result: i32) -> io::Result<()> {
    match result {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
