"""Tests that nobody wrote one by one: made from the OpenAPI document, from a model, and from the route table."""
