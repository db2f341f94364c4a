package post

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"offhook/crm"
	"offhook/crm/ledger"
	"offhook/crm/salesforce"
)

// AttachErrand is the Kind of errands that attach a recording to its call's Task.
const AttachErrand = "attach"

// Attachments are the settings for recordings in Salesforce.
type Attachments struct {
	Dir    string // the folder of the recordings: no other file is ever read
	Max    int64  // bytes; a larger recording stays here
	Sealed bool   // also recordings that are encrypted
}

// Follow is the errand that a call record leaves; none without a recording.
func (a Attachments) Follow(rec crm.CallRecord) []ledger.Errand {
	if rec.Recording == "" {
		return nil
	}
	return []ledger.Errand{{Key: AttachErrand + "/" + rec.Key, Kind: AttachErrand, Call: rec.Key, Payload: json.RawMessage(`{}`)}}
}

// Attach carries out errands of kind "attach": the recording becomes a file in Salesforce, attached to the Task. An attempt that may
// have arrived is looked up first, by the file's title among those of the Task.
func (a Attachments) Attach(client *salesforce.Client, store AmendStore) crm.ErrandFunc {
	return func(ctx context.Context, e ledger.Errand) (string, error) {
		item, err := store.Item(ctx, e.Call)
		if err != nil {
			return "", err
		}
		if item.State != ledger.Sent || item.TaskID == "" {
			return "the call has no Task: nothing to attach to", nil
		}
		p, err := readPayload(item.Payload)
		if err != nil {
			return "", &crm.RefusedError{Class: "payload", Line: err.Error()}
		}
		title := "Recording " + p.Key
		if e.Ambiguous || e.Attempts > 1 {
			if id, err := attached(ctx, client, item.TaskID, title); id != "" || err != nil {
				return id, err
			}
		}
		data, err := a.read(p.Recording)
		if err != nil {
			return "", err
		}
		return client.CreateFile(ctx, salesforce.Upload{Title: title, FileName: filepath.Base(p.Recording), Record: item.TaskID, Data: data})
	}
}

// attached finds a file of that title on the Task.
func attached(ctx context.Context, client *salesforce.Client, task, title string) (string, error) {
	page, err := client.Query(ctx, salesforce.Select("ContentDocumentId", "ContentDocument.Title").From("ContentDocumentLink").
		Where(salesforce.Eq("LinkedEntityId", salesforce.ID(task))).Limit(200))
	if err != nil {
		return "", err
	}
	for _, r := range page.Records {
		if doc, ok := r["ContentDocument"].(map[string]any); ok && doc["Title"] == title {
			return r.Str("ContentDocumentId"), nil
		}
	}
	return "", nil
}

// errUnfinished is a recording that is still being written.
var errUnfinished = errors.New("the recording is not finished yet: it is attached when it is")

// read reads a recording, if the settings allow it and it is complete.
func (a Attachments) read(path string) ([]byte, error) {
	sealed := strings.HasSuffix(path, ".age")
	if sealed && !a.Sealed {
		return nil, &crm.RefusedError{Class: "file", Line: "the recording is encrypted and stays here: recording.attach_encrypted allows to attach it"}
	}
	name, err := filepath.Rel(a.Dir, path)
	if err != nil || !filepath.IsLocal(name) {
		return nil, &crm.RefusedError{Class: "file", Line: "the recording is not in the folder of recordings: it is not attached"}
	}
	root, err := os.OpenRoot(a.Dir)
	if err != nil {
		return nil, &crm.RefusedError{Class: "file", Line: "the folder of recordings cannot be read (" + err.Error() + "): the recording is not attached"}
	}
	defer root.Close()
	if unfinished(root, name) {
		return nil, errUnfinished
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, &crm.RefusedError{Class: "file", Line: "the recording cannot be read (" + err.Error() + "): it is not attached"}
	}
	defer f.Close()
	limit := min(max(a.Max, 1), salesforce.MaxFile)
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, &crm.RefusedError{Class: "file", Line: "the recording cannot be read (" + err.Error() + "): it is not attached"}
	case int64(len(data)) > limit:
		return nil, &crm.RefusedError{Class: "file", Line: fmt.Sprintf("the recording is larger than %d MB (recording.attach_max): it stays here", limit>>20)}
	}
	return data, nil
}

// unfinished reports whether the note beside a recording says that it goes on.
func unfinished(root *os.Root, name string) bool {
	base := strings.TrimSuffix(name, ".age")
	f, err := root.Open(strings.TrimSuffix(base, filepath.Ext(base)) + ".json")
	if err != nil {
		f, err = root.Open(base + ".json")
	}
	if err != nil {
		return false // without a note it is as good as it gets
	}
	defer f.Close()
	var note struct {
		State string `json:"state"`
	}
	return json.NewDecoder(io.LimitReader(f, 1<<20)).Decode(&note) == nil && note.State == "recording"
}
