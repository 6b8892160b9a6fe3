"""Routes of retention: rules, holds, deletion by a person."""
