"""Every figure of the protocol, with its section and unit."""

from __future__ import annotations

from typing import Final

PROTOCOL_VERSION: Final = 1  # of the topics' prefix

# §2 Identity and keys
UNPACKED_MAX: Final = 8 * 1024 * 1024  # bytes of a JWE's plaintext after gunzip
CERTIFICATE_DAYS: Final = 90  # life of a device certificate, unless the installation says otherwise
RENEWAL_GRACE_DAYS: Final = 30  # renewal is possible this long after expiry

# §3 Enrollment and device requests
ENROLLMENT_CODE_LENGTH: Final = 26  # Crockford base32 characters
ENROLL_REPEAT_S: Final = 600  # same token and key give the same answer this long
DEVICE_JWT_MAX_S: Final = 300  # longest life of a device JWT
JWKS_REFRESH_S: Final = 86_400  # fetched daily
JWKS_UNKNOWN_KID_S: Final = 300  # at most so often for an unknown kid
KEY_ANNOUNCED_S: Final = 7 * 86_400  # a new key is published this long before its first use
LATE_RECORDS_DAYS: Final = 30  # an unenrolled device may deliver records this long

# §4 MQTT
PAYLOAD_MAX: Final = 200_000  # bytes of one MQTT payload
SESSION_EXPIRY_S: Final = 0xFFFF_FFFF  # Session Expiry Interval: never
KEEP_ALIVE_MIN_S: Final = 60  # least Keep Alive
KEEP_ALIVE_MAX_S: Final = 300  # longest Keep Alive
RECEIVE_MAXIMUM_MIN: Final = 16  # least Receive Maximum of a device
WILL_DELAY_S: Final = 30  # Will Delay Interval
BACKOFF_FIRST_S: Final = 1.0  # first ceiling of the back-off, before jitter
BACKOFF_MAX_S: Final = 300.0  # last ceiling of the back-off
CLOCK_SKEW_S: Final = 120  # an iat further ahead counts as receive time; also the clock finding of §5
FLOOD_MESSAGES_PER_S: Final = 50  # messages a second that a device may keep sending
FLOOD_BYTES_PER_S: Final = 1_048_576  # bytes a second that a device may keep sending
FLOOD_CUT_S: Final = 60  # a device that floods is cut this long
MISSED_HEARTBEATS: Final = 3  # the server counts a silent device as offline after so many

# §5 hello
HELLO_ANSWER_S: Final = 30  # a device gets one full answer in this span unless its boot_id is new
HELLO_FRESH_S: Final = 43_200  # a device that stays connected says hello again after so long
KEEP_ARCHIVED_S: Final = 72 * 3600  # archived records are kept this long while space allows

# §6 heartbeat
HEARTBEAT_MAX: Final = 8 * 1024  # bytes
HEARTBEAT_DEFAULT_S: Final = 60  # between heartbeats, until a bundle says otherwise

# §7 desired, blobs, reported
BLOB_MQTT_MAX: Final = 200_000  # bytes; a larger blob comes by HTTP
BLOB_WAIT_S: Final = 10  # wait for a blob's topic before HTTP
BLOB_UNPACKED_MAX: Final = 32 * 1024 * 1024  # bytes of a document after gunzip
BLOB_KEY_BYTES: Final = 32  # bytes of a blob's key

# §8 command, result
COMMAND_LIFE_S: Final = 600  # exp is at most this long after iat
INTEGRITY_EVENT_S: Final = 60  # at most one integrity event in this span
DEADLINE_MAX_S: Final = 7 * 86_400  # longest deadline_s of a wipe
RING_MAX_S: Final = 300  # longest ring

# §9 records
RECORD_MAX: Final = 64 * 1024  # bytes of one record's text in UTF-8
RECORD_TEXT_KEPT: Final = 2_000  # characters that stay when a longer text goes as media
BATCH_RECORDS_MAX: Final = 200  # records of one batch
BATCH_UNPACKED_MAX: Final = 8 * 1024 * 1024  # bytes of a batch after gunzip
BATCH_RESEND_S: Final = 60  # an unanswered batch is sent again after
REFUSED_RESEND_S: Final = 3_600  # a refused batch is sent again at most this often
SALT_BYTES: Final = 16  # random bytes of a record's salt

# §10 event
EXCERPT_MAX: Final = 2_000  # characters

# §11 contacts and dial tickets
CONTACTS_MQTT_MAX: Final = 200_000  # bytes; a larger book comes by HTTP behind a pointer
CONTACTS_LIFE_S: Final = 7 * 86_400  # exp of a contact book after its iat

# Form of JSON, all sections
JSON_DEPTH_MAX: Final = 32  # levels of arrays and objects
INTEGER_MAX: Final = 2**53 - 1  # integers that every JSON library carries exactly
NAME_MAX: Final = 256  # characters of a short string
TEXT_MAX: Final = 65_536  # characters of a long string
