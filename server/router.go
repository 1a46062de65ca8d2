package server

import (
	"net/http"
	"strings"
)

// Router passes a request to a handler by its path. A pattern that ends in "/"
// takes every path below it, and the handler sees the rest without the
// pattern; any other takes exactly itself; the longest wins. Unlike
// http.ServeMux it does not clean paths: the Base64 of an OCSP request in a
// GET may contain "//", which must arrive as it was sent.
type Router map[string]http.Handler

// ServeHTTP passes the request on, or answers 404.
func (r Router) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.serve(w, req, r.match(req.URL.Path))
}

// serve passes the request on to a pattern that match found.
func (r Router) serve(w http.ResponseWriter, req *http.Request, pattern string) {
	if pattern == "" {
		http.NotFound(w, req)
		return
	}
	r[pattern].ServeHTTP(w, strip(req, pattern))
}

// match returns the pattern that takes a path, "" if none does.
func (r Router) match(path string) string {
	if r[path] != nil && !strings.HasSuffix(path, "/") {
		return path
	}
	best := ""
	for pattern := range r {
		// A pattern "/ocsp/" is also meant by a POST to "/ocsp".
		if strings.HasSuffix(pattern, "/") && len(pattern) > len(best) &&
			(strings.HasPrefix(path, pattern) || path+"/" == pattern) {
			best = pattern
		}
	}
	return best
}

// strip returns the request with the part of the path behind pattern.
func strip(req *http.Request, pattern string) *http.Request {
	out, u := *req, *req.URL
	u.RawPath = ""
	u.Path = strings.TrimPrefix(strings.TrimPrefix(req.URL.Path, strings.TrimSuffix(pattern, "/")), "/")
	out.URL = &u
	return &out
}
