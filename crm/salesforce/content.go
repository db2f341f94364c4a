package salesforce

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"path"
	"strings"
	"time"
)

// Upload is a file for Salesforce Files.
type Upload struct {
	Title    string // what people see
	FileName string // with its ending, which decides the file's type
	Record   string // id of the record that it is attached to
	Data     []byte
}

const (
	// maxJSONFile is the largest file that goes as base64 inside a JSON body: Salesforce takes 37.5 MB of base64 there, and memory has
	// to hold it three times.
	maxJSONFile = 4 << 20
	// MaxFile is the largest file that is uploaded at all. Salesforce takes 2 GB; this is an agent's machine and line.
	MaxFile = 512 << 20
	// uploadTimeout is how long a large file may take over a slow line.
	uploadTimeout = 10 * time.Minute
)

// rawBody is a request body that is not JSON.
type rawBody struct {
	kind string // Content-Type
	data []byte
}

// CreateFile inserts a ContentVersion and returns its id. As Create, it is sent at most once: small files as base64 in JSON, larger ones
// as a multipart body.
func (c *Client) CreateFile(ctx context.Context, u Upload) (string, error) {
	switch {
	case !ValidID(u.Record):
		return "", fmt.Errorf("%q is not a Salesforce record id", u.Record)
	case len(u.Data) > MaxFile:
		return "", fmt.Errorf("the file has %d bytes, more than %d", len(u.Data), MaxFile)
	}
	values := map[string]any{"Title": u.Title, "PathOnClient": path.Base(u.FileName), "FirstPublishLocationId": u.Record}
	const where = "/sobjects/ContentVersion"
	var body any = values
	if len(u.Data) <= maxJSONFile {
		values["VersionData"] = base64.StdEncoding.EncodeToString(u.Data)
	} else {
		raw, err := multipartFile(values, u)
		if err != nil {
			return "", err
		}
		body = raw
	}
	var out SaveResult
	if _, err := c.do(ctx, call{method: http.MethodPost, path: where, body: body, into: &out}); err != nil {
		return "", err
	}
	return out.result(http.MethodPost, where)
}

// multipartFile is the record as JSON and the bytes as they are, as the REST API's "Insert Blob Data" wants them.
func multipartFile(values map[string]any, u Upload) (rawBody, error) {
	entity, err := json.Marshal(values)
	if err != nil {
		return rawBody{}, err
	}
	var b bytes.Buffer
	b.Grow(len(u.Data) + 4096)
	w := multipart.NewWriter(&b)
	parts := []struct {
		disposition, kind string
		data              []byte
	}{
		{`form-data; name="entity_content"`, "application/json", entity},
		{`form-data; name="VersionData"; filename="` + plainName(u.FileName) + `"`, "application/octet-stream", u.Data},
	}
	for _, p := range parts {
		part, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {p.disposition}, "Content-Type": {p.kind}})
		if err == nil {
			_, err = part.Write(p.data)
		}
		if err != nil {
			return rawBody{}, err
		}
	}
	if err := w.Close(); err != nil {
		return rawBody{}, err
	}
	return rawBody{kind: w.FormDataContentType(), data: b.Bytes()}, nil
}

// plainName is a file name that cannot break a header.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return '_'
		}
		return r
	}, path.Base(name))
}
