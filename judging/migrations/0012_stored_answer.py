"""Gives the model of a stored answer its name; the table keeps its own."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('judging', '0011_attempts_alone'),
    ]

    operations = [
        migrations.AlterModelTable(name='answer', table='judging_answer'),
        migrations.RenameModel(old_name='Answer', new_name='StoredAnswer'),
    ]
