// Package quota shares a bounded amount among tenants: slots for requests, or bytes that
// are held for them. A tenant has at most its own bound, and at most as much as is free:
// whoever takes much leaves half, and so does the next. A tenant that comes late finds
// something, however many others took all that they could get.
package quota
