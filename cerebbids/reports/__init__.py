"""What a person looks at: figures of one image, and the page of one subject."""
