from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('competition', '0016_names_of_plug_ins_fit'),
    ]

    operations = [
        migrations.AddField(
            model_name='round',
            name='measure',
            field=models.CharField(blank=True, db_default='', default='', max_length=40),
        ),
    ]
