//! A row of the table of operations.

/// How soon it is wanted: P0 and P1 work; P2 answers as Azure does in a tier that lacks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    P0,
    P1,
    P2,
}

/// Methods of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    Get,
    Head,
    Put,
    Patch,
    Delete,
    Post,
}

impl Method {
    /// The method of a request; `None` for one that the interface does not have.
    pub fn of(method: &hyper::Method) -> Option<Self> {
        Some(match *method {
            hyper::Method::GET => Self::Get,
            hyper::Method::HEAD => Self::Head,
            hyper::Method::PUT => Self::Put,
            hyper::Method::PATCH => Self::Patch,
            hyper::Method::DELETE => Self::Delete,
            hyper::Method::POST => Self::Post,
            _ => return None,
        })
    }
}

/// One operation.
#[derive(Debug)]
pub struct Operation {
    pub priority: Priority,
    pub method: Method,
    /// Template; `{S}` stands for the path of the service.
    pub path: &'static str,
    /// Operation id of the specification, `Api_Get`.
    pub id: &'static str,
    /// Fields that `$filter` takes; empty: any field.
    pub filter: &'static str,
}

pub(super) const fn op(
    priority: Priority,
    method: Method,
    path: &'static str,
    id: &'static str,
    filter: &'static str,
) -> Operation {
    Operation { priority, method, path, id, filter }
}

impl Operation {
    /// What stands below the service, without a leading slash; `None` when it is not about one service.
    pub fn below_service(&self) -> Option<&'static str> {
        self.path.strip_prefix("{S}").map(|rest| rest.trim_start_matches('/'))
    }

    /// The right that it needs, in Azure's words: `Microsoft.ApiManagement/service/apis/write`.
    pub fn action(&self) -> String {
        let path = self.path.replace("{S}", "/providers/Microsoft.ApiManagement/service");
        // An old address of operations of deployments goes without its provider.
        let below = path.rsplit_once("/providers/").map_or_else(
            || format!("Microsoft.Resources/{}", path.split('/').skip(5).collect::<Vec<_>>().join("/")),
            |(_, below)| below.to_owned(),
        );
        let mut segments: Vec<&str> =
            below.split('/').filter(|segment| !segment.is_empty() && !segment.starts_with('{')).collect();
        let verb = match self.method {
            Method::Get | Method::Head => "read",
            Method::Put | Method::Patch => "write",
            Method::Delete => "delete",
            Method::Post => "action",
        };
        segments.push(verb);
        segments.join("/")
    }

    /// Whether it answers with a page of resources.
    pub fn is_list(&self) -> bool {
        self.method == Method::Get && self.id.contains("_List")
    }

    /// Whether it changes anything or reveals a secret: actions (POST) are writes, as Azure counts them.
    pub fn is_write(&self) -> bool {
        !matches!(self.method, Method::Get | Method::Head)
    }
}
