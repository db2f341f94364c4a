package emulator

// filed are the objects that a file can be attached to.
var filed = []string{"Account", "Contact", "Lead", "Case", "Opportunity", "Campaign", "Task", "User"}

func binary(name, label string) *field {
	f := col("base64", name, label, 0)
	f.filter = false
	return f
}

// contentObjects are files: a version holds the bytes, a document its versions, a link says where the document is seen.
func contentObjects() []*object {
	return []*object{
		define("ContentVersion", "Content Version", "Content Versions", "068", list(
			ref("ContentDocumentId", "ContentDocument ID", "ContentDocument", "ContentDocument").createOnly(), str("Title", "Title", 255),
			str("PathOnClient", "Path On Client", 500).need().createOnly(), binary("VersionData", "Version Data").createOnly(),
			area("Description", "Description", 1000), area("ReasonForChange", "Reason For Change", 1000),
			ref("FirstPublishLocationId", "First Publish Location ID", "FirstPublishLocation", filed...).createOnly(),
			str("VersionNumber", "Version Number", 20).readOnly(), flag("IsLatest", "Is Latest").readOnly(), integer("ContentSize", "Size").readOnly(),
			str("FileType", "File Type", 20).readOnly(), str("FileExtension", "File Extension", 40).readOnly(), str("Checksum", "Checksum", 50).readOnly(), owner())...).
			named("Title").cards("Title").form("Title", "Description").undeletable(),
		define("ContentDocument", "Content Document", "Content Documents", "069", list(
			str("Title", "Title", 255), ref("LatestPublishedVersionId", "Latest Published Version ID", "LatestPublishedVersion", "ContentVersion").readOnly(),
			integer("ContentSize", "Size").readOnly(), str("FileType", "File Type", 20).readOnly(), str("FileExtension", "File Extension", 40).readOnly(), owner())...).
			named("Title").cards("Title").uncreatable().
			parentOf(child{"ContentVersions", "ContentVersion", "ContentDocumentId"}, child{"ContentDocumentLinks", "ContentDocumentLink", "ContentDocumentId"}),
		define("ContentDocumentLink", "Content Document Link", "Content Document Links", "06A", list(
			ref("LinkedEntityId", "Linked Entity ID", "LinkedEntity", filed...).need().createOnly(),
			ref("ContentDocumentId", "ContentDocument ID", "ContentDocument", "ContentDocument").need().createOnly(),
			choice("ShareType", "Share Type", "V*", "C", "I").strict(), choice("Visibility", "Visibility", "AllUsers*", "InternalUsers", "SharedUsers").strict())...).
			named("Id").unsearchable(),
	}
}

func (o *object) undeletable() *object { o.deletable = false; return o.unsearchable() }
func (o *object) uncreatable() *object { o.createable = false; return o.unsearchable() }
