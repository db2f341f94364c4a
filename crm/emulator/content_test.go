package emulator

import (
	"bytes"
	"encoding/base64"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// upload posts a file as the documentation does: the record as JSON, then the bytes.
func (o *org) upload(record, file string) answer {
	o.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, part := range []struct{ disposition, kind, body string }{
		{`form-data; name="entity_content"`, "application/json", record},
		{`form-data; name="VersionData"; filename="call.wav"`, "application/octet-stream", file},
	} {
		p, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {part.disposition}, "Content-Type": {part.kind}})
		if err != nil {
			o.Fatal(err)
		}
		if _, err := p.Write([]byte(part.body)); err != nil {
			o.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		o.Fatal(err)
	}
	return o.do("POST", v+"/sobjects/ContentVersion", b.String(), "Content-Type", w.FormDataContentType())
}

func TestAFileIsAttachedToARecord(t *testing.T) {
	t.Run("in memory", func(t *testing.T) { attach(bareOrg(t)) })
	t.Run("on disk", func(t *testing.T) {
		attach(newOrg(t, func(opt *Options) { opt.Data, opt.File = &Data{}, filepath.Join(t.TempDir(), "org.db") }))
	})
}

func attach(o *org) {
	t := o.T
	task := o.create("Task", map[string]any{"Subject": "call"})
	const bytesOfFile = "RIFF\x00\xff\r\n--x"
	// The order of the parts does not matter: sf sends the bytes first.
	first := o.do("POST", v+"/sobjects/ContentVersion", "--b\r\nContent-Disposition: form-data; name=\"VersionData\"; filename=\"x.txt\"\r\n\r\nbytes\r\n"+
		"--b\r\nContent-Disposition: form-data; name=\"entity_content\"\r\n\r\n{\"PathOnClient\":\"x.txt\"}\r\n--b--\r\n", "Content-Type", "multipart/form-data; boundary=b").want(201).object()
	if size := o.do("GET", v+"/sobjects/ContentVersion/"+first["id"].(string)+"?fields=ContentSize", nil).want(200).object()["ContentSize"]; size != 5.0 {
		t.Errorf("%v bytes, want 5", size)
	}
	id := o.upload(`{"PathOnClient":"C:\\calls\\call.wav","FirstPublishLocationId":"`+task+`"}`, bytesOfFile).want(201).object()["id"].(string)
	row := o.do("GET", v+"/sobjects/ContentVersion/"+id, nil).want(200).object()
	address := v + "/sobjects/ContentVersion/" + id + "/VersionData"
	if row["VersionData"] != address || row["Title"] != "call" || row["FileExtension"] != "wav" || row["ContentSize"] != 11.0 || row["IsLatest"] != true {
		t.Errorf("%v", row)
	}
	if a := o.do("GET", address, nil).want(200); string(a.raw) != bytesOfFile || a.header.Get("Content-Type") != "application/octetstream" {
		t.Errorf("%q %v", a.raw, a.header)
	}
	inside := o.do("POST", v+"/composite", map[string]any{"compositeRequest": []any{map[string]any{"method": "GET", "url": address, "referenceId": "a"}}}).want(200)
	if !strings.Contains(string(inside.raw), "INVALID_INPUT") {
		t.Errorf("bytes inside of a composite: %s", inside.raw)
	}
	doc := row["ContentDocumentId"].(string)
	links := o.do("GET", v+"/query?q="+url.QueryEscape("SELECT LinkedEntityId, ShareType FROM ContentDocumentLink WHERE ContentDocumentId = '"+doc+"'"), nil).want(200)
	if links.object()["totalSize"] != 2.0 || !strings.Contains(string(links.raw), task) {
		t.Errorf("%s", links.raw)
	}

	second := o.create("ContentVersion", map[string]any{"PathOnClient": "call.wav", "ContentDocumentId": doc, "VersionData": base64.StdEncoding.EncodeToString([]byte("two"))})
	latest := o.do("GET", v+"/sobjects/ContentDocument/"+doc, nil).want(200).object()
	if latest["LatestPublishedVersionId"] != second || latest["ContentSize"] != 3.0 {
		t.Errorf("%v", latest)
	}
	if old := o.do("GET", v+"/sobjects/ContentVersion/"+id+"?fields=IsLatest,VersionNumber", nil).want(200).object(); old["IsLatest"] != false || old["VersionNumber"] != "1" {
		t.Errorf("%v", old)
	}

	o.create("ContentDocumentLink", map[string]any{"ContentDocumentId": doc, "LinkedEntityId": o.create("Lead", map[string]any{"LastName": "x", "Company": "y"})})
	o.upload(`{"Title":"no path"}`, "x").refused(400, "REQUIRED_FIELD_MISSING")
	o.upload(`not JSON`, "x").refused(400, "INVALID_MULTIPART_REQUEST")
	o.do("POST", v+"/sobjects/ContentVersion", "x", "Content-Type", "multipart/form-data; boundary=b").refused(400, "INVALID_MULTIPART_REQUEST")
	o.do("POST", v+"/sobjects/ContentVersion", map[string]any{"PathOnClient": "x", "VersionData": "%%%"}).refused(400, "JSON_PARSER_ERROR")
	o.do("POST", v+"/sobjects/ContentDocument", map[string]any{"Title": "x"}).want(400)
	if n := len(o.Records("ContentDocument", false)); n != 2 {
		t.Errorf("%d documents, want 2", n)
	}
}

func TestATokenInAnAddressIsNotKept(t *testing.T) {
	o := bareOrg(t)
	m := o.form("/services/oauth2/token", url.Values{"grant_type": {"password"}, "username": {AgentUsername}, "password": {Password + SecurityToken}, "client_id": {ClientID}}).want(200).object()
	id, err := url.Parse(m["id"].(string))
	if err != nil {
		t.Fatal(err)
	}
	token := m["access_token"].(string)
	o.do("GET", id.Path+"?format=json&oauth_token="+url.QueryEscape(token), nil, "Authorization", "").want(200)
	for _, r := range o.Requests() {
		if strings.Contains(r.Query, "oauth_token") {
			t.Errorf("%s?%s", r.Path, r.Query)
		}
	}
}
