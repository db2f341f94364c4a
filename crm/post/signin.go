package post

import "offhook/crm/salesforce"

// SignedOut reports that the queue waits for somebody to sign in, and not for API calls.
func (q *queue) SignedOut() bool {
	q.gate.mu.Lock()
	defer q.gate.mu.Unlock()
	return q.gate.why != "" && q.gate.kind == salesforce.KindAuth
}

// SignedIn tells that the sign-in works again: a queue that waited for it goes on at once. One that waits for API calls does not.
func (q *queue) SignedIn() {
	if q.SignedOut() {
		q.Resume()
	}
}
