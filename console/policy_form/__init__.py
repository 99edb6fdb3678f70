"""The form beside a document's text: made from the models of the documents, read from the text, written into it."""
