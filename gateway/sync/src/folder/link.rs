//! Links between resources: one file each (apiops), or a list (apiops-cli).

use gateway_model::resource::{GroupUser, ProductGroup};
use gateway_model::{
    ApiId, Diagnostic, GatewayApi, GatewayId, GroupId, IdError, Origin, ProductApi, ProductId, ResourceId,
    TagId, TagLink, UserId,
};
use gateway_specification::document::{Node, Syntax};

use super::document;
use super::layout::LinkKind;
use super::load::{Content, Loader, bad_name};

impl Loader<'_> {
    /// A link file. Its content says no more than its path; it must be JSON all the same.
    pub(super) fn link(&mut self, kind: LinkKind, owner: &str, member: &str, content: Content<'_>) {
        self.note_assignment(kind, owner);
        if let Err(error) = document::tree(content.0, content.1, Syntax::Json, &mut self.found) {
            self.found.push(error);
        }
        self.add_link(kind, owner, member, Origin::start(content.0.clone()));
    }

    /// A list `[{"name": "…"}]`.
    pub(super) fn links(&mut self, kind: LinkKind, owner: &str, content: Content<'_>) {
        self.note_assignment(kind, owner);
        let root = match document::tree(content.0, content.1, Syntax::Json, &mut self.found) {
            Ok(root) => root,
            Err(error) => return self.found.push(error),
        };
        let Some(items) = root.as_array() else {
            let message = "the document must be a list of {\"name\": …}";
            return self.found.push(Diagnostic::error("document-shape", root.origin.clone(), message));
        };
        for item in items {
            match item.as_str().or_else(|| item.get("name").and_then(Node::as_str)) {
                Some(member) => self.add_link(kind, owner, member, item.origin.clone()),
                None => {
                    self.found.push(Diagnostic::error(
                        "member-missing",
                        item.origin.clone(),
                        "'name' is missing",
                    ));
                }
            }
        }
    }

    /// A gateway with a list of APIs serves no others, even when the list cannot be read.
    fn note_assignment(&mut self, kind: LinkKind, owner: &str) {
        if kind == LinkKind::GatewayApi {
            self.assigned.insert(owner.into());
        }
    }

    fn add_link(&mut self, kind: LinkKind, owner: &str, member: &str, origin: Origin) {
        let file = origin.file.clone();
        if let Err(error) = self.try_add_link(kind, owner, member, origin) {
            self.found.push(bad_name(&file, &format!("{owner}/{member}"), &error.to_string()));
        }
    }

    fn try_add_link(
        &mut self,
        kind: LinkKind,
        owner: &str,
        member: &str,
        origin: Origin,
    ) -> Result<(), IdError> {
        match kind {
            LinkKind::ProductApi => {
                let api = ApiId::parse(member)?;
                // Links of other revisions are those of the current one (management-api.md §4.2).
                if api.revision().is_none() {
                    self.insert(ProductApi { product: ProductId::parse(owner)?, api, origin });
                }
            }
            LinkKind::ProductGroup => {
                self.insert(ProductGroup {
                    product: ProductId::parse(owner)?,
                    group: GroupId::parse(member)?,
                    origin,
                });
            }
            LinkKind::GroupUser => {
                self.insert(GroupUser {
                    group: GroupId::parse(owner)?,
                    user: UserId::parse(member)?,
                    origin,
                });
            }
            LinkKind::GatewayApi => {
                let api = ApiId::parse(member)?;
                if api.revision().is_none() {
                    self.insert(GatewayApi { gateway: GatewayId::parse(owner)?, api, origin });
                }
            }
            LinkKind::TagApi => {
                let target = ResourceId::Api(ApiId::parse(member)?);
                self.insert(TagLink { tag: TagId::parse(owner)?, target, origin });
            }
            LinkKind::TagProduct => {
                let target = ResourceId::Product(ProductId::parse(member)?);
                self.insert(TagLink { tag: TagId::parse(owner)?, target, origin });
            }
        }
        Ok(())
    }
}
