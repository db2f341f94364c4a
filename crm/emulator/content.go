package emulator

import (
	"bytes"
	"crypto/md5" // Salesforce's own checksum of a file; nothing depends on its strength
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// unfold turns a multipart body, the record as JSON and a part with the bytes of a base64 field, in any order, into the JSON body that says the same.
// Other bodies stay as they are.
func unfold(contentType string, body []byte) ([]byte, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "multipart/form-data" {
		return body, nil
	}
	refuse := func(why string) ([]byte, error) {
		return nil, fail(http.StatusBadRequest, "INVALID_MULTIPART_REQUEST", "%s", why)
	}
	var record map[string]any
	files := make(map[string]string)
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return refuse("The multipart body cannot be read: " + err.Error())
		}
		raw, err := io.ReadAll(part)
		switch {
		case err != nil:
			return refuse("A part of the body cannot be read: " + err.Error())
		case part.FileName() != "" && part.FormName() != "":
			files[part.FormName()] = base64.StdEncoding.EncodeToString(raw)
		case record != nil:
			return refuse("A binary part needs a name and a filename")
		case json.Unmarshal(raw, &record) != nil || record == nil:
			return refuse("The part that is no binary must be the record as JSON")
		}
	}
	if record == nil {
		return refuse("The multipart body has no record")
	}
	for name, file := range files { // sf sends the bytes before the record
		record[name] = file
	}
	return json.Marshal(record)
}

// deriveVersion fills a new version of a file, and makes its document when it is the first.
func (st *store) deriveVersion(row map[string]any, w *writer) {
	text := func(name string) string { s, _ := row[name].(string); return s }
	data, _ := base64.StdEncoding.DecodeString(text("VersionData")) // convert has checked it
	sum := md5.Sum(data)
	name := path.Base(strings.ReplaceAll(text("PathOnClient"), `\`, "/"))
	extension := strings.TrimPrefix(path.Ext(name), ".")
	if row["Title"] == nil {
		row["Title"] = strings.TrimSuffix(name, path.Ext(name))
	}
	row["ContentSize"], row["Checksum"], row["IsLatest"] = int64(len(data)), hex.EncodeToString(sum[:]), true
	row["FileExtension"], row["FileType"] = extension, strings.ToUpper(extension)
	number := 1
	if o := st.schema.object("ContentVersion"); row["ContentDocumentId"] != nil {
		st.each(o.name, is(o, "ContentDocumentId", text("ContentDocumentId")), func(r *record) bool {
			if r.str("ContentDocumentId") == text("ContentDocumentId") {
				number++
				if r.bool("IsLatest") {
					old := maps.Clone(r.fields)
					old["IsLatest"] = false
					st.replace(r, old, 0)
				}
			}
			return true
		})
	}
	row["VersionNumber"] = strconv.Itoa(number)
	if row["ContentDocumentId"] == nil {
		fields := map[string]any{"Title": row["Title"], "ContentSize": len(data), "FileType": row["FileType"], "FileExtension": row["FileExtension"], "OwnerId": row["OwnerId"]}
		// The values come from a valid version; an error would be a defect of the schema, which the tests would show.
		if doc, err := st.insert(st.schema.object("ContentDocument"), fields, &writer{user: w.user, seed: true}); err == nil {
			row["ContentDocumentId"] = doc.id
		}
	}
}

// publish points a document to its newest version and links a new one to where it was published and to its owner.
func (st *store) publish(r *record, w *writer) {
	quiet := &writer{user: w.user, seed: true}
	doc := st.live(r.str("ContentDocumentId"))
	if doc == nil {
		return
	}
	first := doc.fields["LatestPublishedVersionId"] == nil
	row := maps.Clone(doc.fields)
	row["LatestPublishedVersionId"], row["ContentSize"] = r.id, r.fields["ContentSize"]
	st.replace(doc, row, 0)
	if !first {
		return
	}
	link := st.schema.object("ContentDocumentLink")
	for share, where := range map[string]any{"I": r.fields["OwnerId"], "V": r.fields["FirstPublishLocationId"]} {
		if where != nil && link != nil {
			_, _ = st.insert(link, map[string]any{"LinkedEntityId": where, "ContentDocumentId": doc.id, "ShareType": share}, quiet) // both ends exist
		}
	}
}

// blob is GET /sobjects/X/<id>/<field>: the bytes of a base64 field.
func (s *Server) blob(c *call, o *object, id string, f *field) (*reply, error) {
	if err := c.need(http.MethodGet); err != nil {
		return nil, err
	}
	if c.inside {
		return nil, fail(http.StatusBadRequest, "INVALID_INPUT", "Binary data is not supported in a composite request")
	}
	r := s.store.live(id)
	if r == nil || r.table.object != o {
		return nil, errNotFound()
	}
	data, err := base64.StdEncoding.DecodeString(r.str(f.name))
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusOK, body: text{"application/octetstream", string(data)}}, nil
}

// shown is a value as a reply holds it: the bytes of a file are an address of their own.
func (f *field) shown(c *call, r *record, v any) any {
	if f.kind == "base64" && v != nil {
		return c.data("/sobjects/" + r.table.object.name + "/" + r.id + "/" + f.name)
	}
	return v
}
